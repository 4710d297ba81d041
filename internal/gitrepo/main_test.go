package gitrepo

import (
	"os"
	"testing"

	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/testmain"
)

func TestMain(m *testing.M) { os.Exit(testmain.With(gittest.Checked(m)).Run()) }
