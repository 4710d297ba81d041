package inventory_test

import (
	"os"
	"testing"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
)

func TestMain(m *testing.M) {
	inventory.CompileSchema = schema.Compile
	os.Exit(m.Run())
}
