package bump

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// NoMatch is the refusal for targets that were found nowhere: it says what is
// there instead. Files are those of the environment, and of others if there is
// hope to find something, that mention a target.
func (r *Request) NoMatch(found *Result, files []File) error {
	var missing []string
	var near nearMisses
	for _, t := range r.Targets {
		if found != nil && found.has(r, t) {
			continue
		}
		missing = append(missing, t.Repository.Name)
		for _, file := range r.nearestFirst(files) {
			near.look(r, t, file)
		}
	}
	p := problem.Refuse("", "no image %s in %s", strings.Join(missing, ", nor "), r.Dir())
	p.Hint = near.String()
	if p.Hint == "" {
		p.Hint = "no file there mentions it: look for another --env, --image or --root"
	}
	return p
}

// nearestFirst sorts files by path, those of the environment first.
func (r *Request) nearestFirst(files []File) []File {
	inside := func(f File) bool { return strings.HasPrefix(f.Path, r.Dir()+"/") }
	sorted := SortFiles(files)
	slices.SortStableFunc(sorted, func(a, b File) int {
		switch {
		case inside(a) == inside(b):
			return 0
		case inside(a):
			return -1
		}
		return 1
	})
	return sorted
}

// nearMisses are places that somebody may have meant.
type nearMisses struct {
	lines []string
	more  int
}

const mostNearMisses = 8

func (n *nearMisses) add(format string, args ...any) {
	if len(n.lines) == mostNearMisses {
		n.more++
		return
	}
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

func (n *nearMisses) String() string {
	if len(n.lines) == 0 {
		return ""
	}
	text := "what comes near is\n  " + strings.Join(n.lines, "\n  ")
	if n.more > 0 {
		text += fmt.Sprintf("\n  and %d more", n.more)
	}
	return text
}

// look adds what of a file comes near a target.
func (n *nearMisses) look(r *Request, t Target, file File) {
	inside := strings.HasPrefix(file.Path, r.Dir()+"/")
	f, err := manifest.Parse(file.Path, file.Data)
	if err != nil {
		if line := lineOf(file.Data, t.Repository.Name); line > 0 {
			n.add("%s:%d: in a file that is no YAML", file.Path, line)
		}
		return
	}
	shown := map[int]bool{}
	for _, i := range f.Images(r.Fields...) {
		shown[i.Place.Line] = true
		switch {
		case i.Ref.Repository() == t.Repository.Repository() && !inside:
			n.add("%s: %s, in another environment", i.Place, i.Ref)
		case i.Ref.Repository() != t.Repository.Repository() && i.Ref.Base() == t.Repository.Base() && inside:
			n.add("%s: %s, another repository", i.Place, i.Ref)
		}
	}
	if line := lineOf(file.Data, t.Repository.Name); line > 0 && inside && !shown[line] {
		n.add("%s:%d: %s, which is no image: a comment, a string of a ConfigMap, or a place for --field", file.Path, line, strings.TrimSpace(f.Line(line)))
	}
}

// lineOf is the first line that has the repository's name in it as a reference
// has it: whole, with a tag behind it or a registry in it; 0 where none has.
func lineOf(data []byte, name string) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		at := bytes.Index(line, []byte(name))
		if at < 0 {
			continue
		}
		end := at + len(name)
		tagged := end < len(line) && (line[end] == ':' && end+1 < len(line) && line[end+1] != ' ' || line[end] == '@')
		if tagged || strings.Contains(name, "/") && (end == len(line) || strings.IndexByte(" \t\r\"'", line[end]) >= 0) {
			return i + 1
		}
	}
	return 0
}
