package trace

import (
	"bytes"
	"fmt"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Answer says where a line of a manifest, or all of a manifest, comes from.
type Answer struct {
	Text   string        // of the line; "" for all
	Place  problem.Place // of the line, in the template; the zero Place for all
	Values []Origin
	Notes  []string // who moves the tags in the line
}

// Lines returns how many lines a text has that ends in a line break.
func Lines(text []byte) int { return bytes.Count(text, []byte("\n")) }

// Explain returns where a line of a manifest comes from, counted from 1; for line 0, where all of
// it does. Body is the manifest as it is on disk: it differs from m.Text in tags alone.
func (m *Map) Explain(body []byte, line int) (*Answer, error) {
	if line == 0 {
		return &Answer{Values: m.Values()}, nil
	}
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	if line < 0 || line > len(lines) {
		return nil, fmt.Errorf("no line %d", line)
	}
	a := &Answer{Text: string(lines[line-1])}
	a.Place, a.Values = m.Line(line)
	for i, image := range m.Text.Images {
		if image.Line == line {
			a.Notes = append(a.Notes, m.tagNote(i, &image, body))
		}
	}
	return a, nil
}

// tagNote says who moves the tag of the i-th image, and what it runs in body.
func (m *Map) tagNote(i int, image *manifest.Running, body []byte) string {
	if !image.Tracked {
		return "the tag is written out here: tagbump's moves of it are set back; .Tag leaves it to tagbump"
	}
	current, ok := m.Text.Match(body)
	if !ok || current[i].Suffix == "" || current[i].Suffix == ":" {
		return "the tag is tagbump's: it moves it from the first one on"
	}
	return "the tag is tagbump's: this runs " + strings.TrimPrefix(current[i].Suffix, ":")
}
