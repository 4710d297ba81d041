// Package readme tests the documents against the code: paths, messages, functions and references
// must be there, and a translation has the sessions of its page. It also tests the layout of the
// packages, and NOTICE. (The sessions are run by the tests of cmd/manifestgen.)
package readme

import (
	"flag"
	"testing"

	"k8srepo/internal/testmain"
)

var update = flag.Bool("update", false, "write what is generated, or translated, into the documents")

func TestMain(m *testing.M) { testmain.Main(m) }
