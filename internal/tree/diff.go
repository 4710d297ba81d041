package tree

import (
	"bytes"

	"github.com/rogpeppe/go-internal/diff"
)

// Unified is the change as a unified diff, as patch and git apply take it.
func (c Change) Unified() []byte {
	before, after := "a/"+c.Path, "b/"+c.Path
	if c.Action == Create {
		before = "/dev/null"
	}
	if c.Action == Remove {
		after = "/dev/null"
	}
	text := diff.Diff(before, c.Old, after, c.New)
	_, text, _ = bytes.Cut(text, []byte("\n")) // its first line names a command that nobody ran
	return text
}
