package render

import (
	"testing"

	"k8srepo/internal/testmain"
)

func TestMain(m *testing.M) { testmain.Main(m) }
