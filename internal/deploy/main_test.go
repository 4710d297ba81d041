package deploy

import (
	"os"
	"testing"

	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/testmain"
)

func TestMain(m *testing.M) {
	gittest.InMemoryNetwork()
	os.Exit(testmain.With(gittest.Checked(m)).Run())
}
