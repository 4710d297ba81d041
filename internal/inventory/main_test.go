package inventory_test

import (
	"testing"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/testmain"
)

func TestMain(m *testing.M) {
	inventory.CompileSchema = schema.Compile
	testmain.Main(m)
}
