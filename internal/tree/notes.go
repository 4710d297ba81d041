package tree

import (
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/image"
)

// noteList collects what is said of tags that were not simply kept: once for all
// files that have it in common.
type noteList struct {
	order []string
	notes map[string]*note
}

type note struct {
	image, reason, first, last string // first and last are paths
	files                      int
	envs                       []string
}

func (l *noteList) add(w *Want, ref image.Ref, suffix, reason string) {
	if l.notes == nil {
		l.notes = map[string]*note{}
	}
	key := ref.Name + suffix + "|" + reason
	n := l.notes[key]
	if n == nil {
		n = &note{image: ref.Base() + suffix, reason: reason, first: w.Path}
		l.notes[key] = n
		l.order = append(l.order, key)
	}
	if n.last != w.Path { // a file may have an image several times
		n.files, n.last = n.files+1, w.Path
	}
	if !slices.Contains(n.envs, w.Env) {
		n.envs = append(n.envs, w.Env)
	}
}

// lines says each note in a line.
func (l *noteList) lines() []string {
	var lines []string
	for _, key := range l.order {
		n := l.notes[key]
		where := n.first
		if n.files > 1 {
			where = fmt.Sprintf("%s of %s, such as %s", plural(n.files, "file"), strings.Join(n.envs, ", "), n.first)
		}
		lines = append(lines, fmt.Sprintf("%s: %s (%s)", n.image, n.reason, where))
	}
	return lines
}
