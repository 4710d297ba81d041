package bump

import (
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// NoMatch returns the refusal for ErrNoMatch: it says what was found, and what comes
// close. Found is the result that Edit returned with the error; nil is an empty one. Files
// are those that mention a target, of the environment and perhaps of others. Where nothing
// in them comes close, all returns the files that a query is about, to look for names like
// the target's.
func (r *Request) NoMatch(found *Result, files []File, all func(*Query) []File) error {
	if found == nil {
		found = &Result{}
	}
	var missing []string
	var near nearMisses
	for _, t := range r.Targets {
		absent := !found.has(r, t)
		if absent {
			missing = append(missing, t.Repository.Name)
		}
		if absent || r.Expect > len(found.Images) {
			for _, file := range r.nearestFirst(files) {
				near.look(r, t, file)
			}
		}
	}
	var problems problem.List
	narrowed := ""
	if flags := r.Narrowing.String(); flags != "" {
		narrowed = " with " + flags
	}
	if len(missing) > 0 && len(near.lines) == 0 {
		every := r.Query
		every.Unscreened = true
		near.misspelt(r, found, all(&every))
	}
	switch n := len(found.Images); {
	case len(missing) > 0:
		p := problem.Refuse(near.String(), "no image %s in %s%s", strings.Join(missing, ", nor "), r.Dir(), narrowed)
		if p.Hint == "" {
			p.Hint = "no file there mentions it: look for another --env, --service or --image"
		}
		problems.Add(p)
	case r.Expect > 0 && n != r.Expect:
		p := problem.Refuse("", "found %d of the image%s, expected %d", n, narrowed, r.Expect)
		p.Hint = "found:"
		for _, i := range found.Images {
			p.Hint += fmt.Sprintf("\n  %s: %s (%s)", i.Place, i.Old, i.Container)
		}
		if text := near.String(); text != "" {
			p.Hint += "\n" + text
		}
		problems.Add(p)
	}
	for _, field := range found.Unreached {
		hint := "a path starts at a document's root, as in spec.image or **.image"
		if strings.HasPrefix(field.String(), "$") {
			hint = "leave the $ out: write spec.image, or **.image for any depth"
		}
		problems.Add(problem.Refuse(hint, "--field %s leads to no value in %s", field, r.Dir()))
	}
	return problems.Err()
}

// nearestFirst sorts files by path, those of the environment first.
func (r *Request) nearestFirst(files []File) []File {
	sorted := SortFiles(files)
	slices.SortStableFunc(sorted, func(a, b File) int {
		switch {
		case r.Inside(a.Path) == r.Inside(b.Path):
			return 0
		case r.Inside(a.Path):
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

const maxNearMisses = 8

func (n *nearMisses) add(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	switch {
	case slices.Contains(n.lines, line):
	case len(n.lines) == maxNearMisses:
		n.more++
	default:
		n.lines = append(n.lines, line)
	}
}

func (n *nearMisses) String() string {
	if len(n.lines) == 0 {
		return ""
	}
	text := "closest matches:\n  " + strings.Join(n.lines, "\n  ")
	if n.more > 0 {
		text += fmt.Sprintf("\n  and %d more", n.more)
	}
	return text
}

// look adds the places in a file that come near a target.
func (n *nearMisses) look(r *Request, t Target, file File) {
	f, err := manifest.Parse(file.Path, file.Data)
	if err != nil {
		for _, line := range namings(file.Data, r.namesOf(t)) {
			n.add("%s:%d: in a file that is not YAML", file.Path, line)
		}
		return
	}
	found := f.Find(r.Fields...)
	shown := map[int]bool{}
	for _, i := range found.Images {
		if n.image(r, t, i) {
			shown[i.Place.Line] = true
		}
	}
	if !r.Inside(file.Path) {
		return
	}
	for _, b := range found.Bare {
		if b.Ref.Repository() == t.Repository.Repository() {
			shown[b.Place.Line] = true
			n.add("%s: %s, without a tag: --field with the path of the map that holds it gives it one", b.Place, b.Ref.Name)
		}
	}
	for _, u := range found.Unread {
		if u.Ref.Repository() == t.Repository.Repository() {
			shown[u.Place.Line] = true
			if u.Tag == "" {
				n.add("%s: %s:, whose tag is empty: write one in", u.Place, u.Ref.Name)
				continue
			}
			n.add("%s: %s, whose tag is none: %s", u.Place, u.Ref.Name, u.Tag)
		}
	}
	for _, alone := range found.TagsAlone {
		n.add("%s: %s, where --field %s leads, names no repository: if it is the tag alone, put %s %s behind it", alone.Place, alone.Tag, alone.Path, manifest.MarkerPrefix, t.Repository.Name)
	}
	for _, line := range namings(file.Data, r.namesOf(t)) {
		if !shown[line] {
			n.add("%s:%d: %s, which is no image: a comment, a text, or a place for --field", file.Path, line, strings.TrimSpace(f.Line(line)))
		}
	}
}

// misspelt adds the images of the environment of whose names that of a missing target is most
// likely a misspelling.
func (n *nearMisses) misspelt(r *Request, found *Result, files []File) {
	var images []manifest.Image
	for _, inFile := range forEach(r.nearestFirst(files), func(file File) []manifest.Image {
		if !r.Inside(file.Path) {
			return nil
		}
		f, err := manifest.Scan(file.Path, file.Data)
		if err != nil {
			return nil
		}
		return f.Images()
	}) {
		images = append(images, inFile...)
	}
	var known []string
	for _, i := range images {
		known = append(known, i.Ref.Base())
	}
	for _, t := range r.Targets {
		if found.has(r, t) {
			continue
		}
		name := problem.Nearest(t.Repository.Base(), known)
		for _, i := range images {
			if name != "" && i.Ref.Base() == name {
				n.add("%s: %s, a name like it", i.Place, i.Ref)
			}
		}
	}
}

// image adds an image that was left out, or resembles the target; it reports
// whether the image's line needs no other mention.
func (n *nearMisses) image(r *Request, t Target, i manifest.Image) bool {
	inside := r.Inside(i.Place.File)
	switch same := i.Ref.Repository() == t.Repository.Repository(); {
	case same && !inside:
		n.add("%s: %s, in another environment", i.Place, i.Ref)
	case same && !r.Narrowing.Matches(r.relative(i.Place.File)):
		n.add("%s: %s, in a file that %s leaves out", i.Place, i.Ref, r.Narrowing.String())
	case same && r.Narrowing.Container != "" && i.Container != r.Narrowing.Container && i.Container != "":
		n.add("%s: %s, in the container %s", i.Place, i.Ref, i.Container)
	case same && r.Narrowing.Container != "" && i.Container == "":
		n.add("%s: %s, which is no container's", i.Place, i.Ref)
	case !same && i.Ref.Base() == t.Repository.Base() && inside:
		n.add("%s: %s, another repository", i.Place, i.Ref)
		return false
	}
	return true
}

// namings returns the lines in which a repository is written as in a reference: with a
// tag or digest behind it, or, where it has a registry or folder in its name, with nothing
// but blanks or quotes around it.
func namings(data []byte, names []string) []int {
	var list []int
	var starts []int
	for _, name := range names {
		for ref := range references(data, name) {
			if ref.tag == "" && ref.digest == "" && !(strings.Contains(name, "/") && standsAlone(data, ref)) {
				continue
			}
			starts = append(starts, ref.at)
		}
	}
	slices.Sort(starts)
	line, at := 1, 0
	for _, start := range starts {
		line += strings.Count(string(data[at:start]), "\n")
		at = start
		if len(list) == 0 || list[len(list)-1] != line {
			list = append(list, line)
		}
	}
	return list
}

// standsAlone reports whether blanks, quotes or the file's ends are around a name.
func standsAlone(data []byte, ref reference) bool {
	const around = " \t\r\n\"'=,[]{}"
	return (ref.at == 0 || strings.IndexByte(around, data[ref.at-1]) >= 0) && (ref.end == len(data) || strings.IndexByte(around, data[ref.end]) >= 0)
}
