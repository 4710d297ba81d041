package tree

import (
	"bytes"
	"fmt"

	"github.com/rogpeppe/go-internal/diff"
)

// Unified returns the change as a unified diff, as patch and git apply take it; a
// rename as git has it.
func (c Change) Unified() []byte {
	from, to := c.Path, c.Path
	if c.From != "" {
		from = c.From
	}
	before, after := "a/"+from, "b/"+to
	if c.Action == Create {
		before = "/dev/null"
	}
	if c.Action == Remove {
		after = "/dev/null"
	}
	text := diff.Diff(before, c.Old, after, c.New)
	_, text, _ = bytes.Cut(text, []byte("\n")) // its first line names a command that nobody ran
	if c.Action == Rename {
		text = append(fmt.Appendf(nil, "diff --git a/%s b/%s\nrename from %s\nrename to %s\n", from, to, from, to), text...)
	}
	return text
}
