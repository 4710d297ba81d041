package gitrepo

import (
	"testing"

	"k8srepo/internal/tmptest"
)

func TestMain(m *testing.M) { tmptest.Main(m) }
