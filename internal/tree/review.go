package tree

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"k8srepo/internal/lazyregexp"
)

// Review is a Plan as a reviewer reads it: how much changes where, and each distinct
// difference once.
type Review struct {
	Total        Tally
	Environments []Tally  // most changes first
	Templates    []Tally  // most changes first
	Hunks        []Hunk   // what differs from the crowd first; new files last
	Conflicts    []string // paths of files with merge conflicts that rendering resolves
	Renames      []Moved
	Removals     []string // paths
}

// Tally counts the changes of an environment or a template.
type Tally struct {
	Name    string
	Counts  map[Action]int
	changes int
}

// Hunk is a difference that one file has, or many.
type Hunk struct {
	Action       Action // Create or Update
	Template     string
	Files        int
	Environments []string // sorted
	Path         string   // of the first file that has it
	Line         int      // of its first changed line in that file
	Lines        []string // each with "+", "-" or " " before it; nil where only the header differs
	Others       int      // of a folded hunk, how many more files differ in the same lines, each with its own values
}

// Moved is a rename that one file has, or many that are alike.
type Moved struct {
	From, To string // of the first
	Files    int
}

// Review returns the plan as a reviewer reads it. Checksums are no part of it.
func (p *Plan) Review() Review {
	r := reviewer{total: Tally{Counts: map[Action]int{}}, environments: map[string]*Tally{}, templates: map[string]*Tally{}, groups: map[string]*group{}, moved: map[string]*Moved{}}
	for i := range p.Changes {
		r.add(&p.Changes[i])
	}
	return r.review()
}

// reviewer makes a Review.
type reviewer struct {
	total                   Tally
	environments, templates map[string]*Tally
	groups                  map[string]*group
	moved                   map[string]*Moved
	movedOrder              []string
	conflicts, removals     []string
}

// group is a Hunk and the files that have it.
type group struct {
	Hunk
	lastPath     string
	environments map[string]bool
}

func (r *reviewer) add(c *Change) {
	for _, t := range []*Tally{&r.total, tallyOf(r.environments, c.Env), tallyOf(r.templates, c.Template)} {
		t.Counts[c.Action]++
		t.changes++
	}
	switch {
	case c.Action == Remove:
		r.removals = append(r.removals, c.Path)
		return
	case c.Conflict:
		r.conflicts = append(r.conflicts, c.Path)
		return
	case c.Action == Rename:
		r.addMoved(c)
	}
	before, after := WithoutHeader(c.Old), WithoutHeader(c.New)
	if c.Action != Create && bytes.Equal(before, after) {
		if c.Action == Update {
			r.addHunk(c, Hunk{Line: 1})
		}
		return
	}
	for _, h := range hunks(before, after) {
		r.addHunk(c, h)
	}
}

func tallyOf(tallies map[string]*Tally, name string) *Tally {
	t := tallies[name]
	if t == nil {
		t = &Tally{Name: name, Counts: map[Action]int{}}
		tallies[name] = t
	}
	return t
}

// addHunk counts a difference. Those of two files are one where they differ only in
// the names that the files are rendered for, and in checksums.
func (r *reviewer) addHunk(c *Change, h Hunk) {
	h.Action, h.Template, h.Path = Update, c.Template, c.Path
	if c.Action == Create {
		h.Action = Create
	}
	var key strings.Builder
	key.WriteString(string(h.Action) + "\x00" + c.Template)
	mask := newMask(c.Subject)
	for _, line := range h.Lines {
		if line[0] != ' ' {
			key.WriteString("\n" + mask.apply(line))
		}
	}
	g := r.groups[key.String()]
	if g == nil {
		g = &group{Hunk: h, environments: map[string]bool{}}
		r.groups[key.String()] = g
	}
	if g.lastPath != c.Path { // a file may have it twice
		g.Files++
		g.lastPath = c.Path
	}
	g.environments[c.Env] = true
}

func (r *reviewer) addMoved(c *Change) {
	mask := newMask(c.Subject)
	key := mask.apply(c.From) + "\x00" + mask.apply(c.Path)
	m := r.moved[key]
	if m == nil {
		m = &Moved{From: c.From, To: c.Path}
		r.moved[key] = m
		r.movedOrder = append(r.movedOrder, key)
	}
	m.Files++
}

func (r *reviewer) review() Review {
	review := Review{Total: r.total, Environments: sorted(r.environments), Templates: sorted(r.templates), Conflicts: r.conflicts, Removals: r.removals}
	for _, key := range r.movedOrder {
		review.Renames = append(review.Renames, *r.moved[key])
	}
	for _, g := range r.groups {
		g.Environments = slices.Sorted(maps.Keys(g.environments))
		review.Hunks = append(review.Hunks, g.Hunk)
	}
	slices.SortFunc(review.Hunks, func(a, b Hunk) int {
		return cmp.Or(
			cmp.Compare(b.Action, a.Action), // updates before new files
			cmp.Compare(r.part(a), r.part(b)),
			cmp.Compare(a.Files, b.Files),
			strings.Compare(a.Path, b.Path),
			cmp.Compare(a.Line, b.Line),
		)
	})
	return review
}

// maxAlike is how many hunks that differ only in values Folded leaves as they are.
const maxAlike = 6

// Folded returns the hunks without those that change the same keys of a template to a
// different value in each file, but for a few: so a line that prints a different value
// in each of many files does not hide the rest. Where most files agree on the values,
// the others are what a reviewer looks for, and stay.
func (r Review) Folded() []Hunk {
	type alike struct{ hunks, files, most, shown int }
	shapes := map[string]*alike{}
	for _, h := range r.Hunks {
		a := shapes[h.shape()]
		if a == nil {
			a = &alike{}
			shapes[h.shape()] = a
		}
		a.hunks++
		a.files += h.Files
		a.most = max(a.most, h.Files)
	}
	var folded []Hunk
	last := map[string]int{} // by shape, the last hunk in folded
	for _, h := range r.Hunks {
		shape := h.shape()
		a := shapes[shape]
		if a.hunks > maxAlike && a.most*2 < a.files && a.shown == maxAlike/2 {
			folded[last[shape]].Others += h.Files
			continue
		}
		a.shown++
		last[shape] = len(folded)
		folded = append(folded, h)
	}
	return folded
}

// shape returns a hunk without the values in it.
func (h Hunk) shape() string {
	var b strings.Builder
	b.WriteString(string(h.Action) + "\x00" + h.Template)
	for _, line := range h.Lines {
		if line[0] != ' ' {
			key, _, _ := strings.Cut(line, ": ")
			b.WriteString("\n" + key)
		}
	}
	return b.String()
}

// part returns how much of what changes of its template has a hunk, from 0 to 1.
func (r *reviewer) part(h Hunk) float64 {
	return float64(h.Files) / float64(max(1, r.templates[h.Template].Counts[h.Action]+r.templates[h.Template].Counts[Rename]))
}

func sorted(tallies map[string]*Tally) []Tally {
	var list []Tally
	for _, t := range tallies {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.changes, a.changes), strings.Compare(a.Name, b.Name))
	})
	return list
}

// WithoutHeader returns what follows a file's header, or all of a file without one.
func WithoutHeader(data []byte) []byte { return data[len(header.Find(data)):] }

// contextLines is how many unchanged lines are shown around a hunk.
const contextLines = 2

// hunks returns the runs of changed lines between two texts, each with some lines around it.
func hunks(before, after []byte) []Hunk {
	text := string(diff.Diff("a", before, "b", after))
	var list []Hunk
	var lines []string // of the part of the diff that is being read
	start := 0         // where in the new text it begins
	flush := func() {
		list = append(list, blocks(lines, start)...)
		lines = nil
	}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case i < 3: // the names of the files
		case strings.HasPrefix(line, "@@ "):
			flush()
			var ignored int
			_, plus, _ := strings.Cut(line, "+")
			if n, _ := fmt.Sscanf(plus, "%d,%d", &start, &ignored); n == 0 {
				start = 1
			}
		case strings.HasPrefix(line, `\`): // no line break at the end
		default:
			lines = append(lines, line)
		}
	}
	flush()
	return list
}

// blocks returns the runs of changed lines in a part of a diff that begins at a line of the
// new text.
func blocks(lines []string, at int) []Hunk {
	var list []Hunk
	for i := 0; i < len(lines); {
		if lines[i][0] == ' ' {
			i++
			at++
			continue
		}
		end, added := i, 0
		for end < len(lines) && lines[end][0] != ' ' {
			if lines[end][0] == '+' {
				added++
			}
			end++
		}
		from, to := i, end
		for from > 0 && i-from < contextLines && lines[from-1][0] == ' ' {
			from--
		}
		for to < len(lines) && to-end < contextLines && lines[to][0] == ' ' {
			to++
		}
		list = append(list, Hunk{Line: at + HeaderLines, Lines: slices.Clone(lines[from:to])})
		i, at = end, at+added
	}
	return list
}

// mask replaces the names that a file is rendered for, and checksums, so that what is
// alike in many files compares equal.
type mask []string

func newMask(names []string) mask {
	m := slices.Clone(names)
	m = slices.DeleteFunc(m, func(name string) bool { return name == "" })
	slices.SortStableFunc(m, func(a, b string) int { return len(b) - len(a) })
	return m
}

var longHex = lazyregexp.New(`\b[0-9a-f]{32,}\b`)

func (m mask) apply(s string) string {
	for _, name := range m {
		s = replaceWord(s, name, "\x00")
	}
	if len(s) >= 32 {
		s = longHex.ReplaceAllString(s, "\x01")
	}
	return s
}

// replaceWord replaces a word where no letter or digit touches it.
func replaceWord(s, word, with string) string {
	if !strings.Contains(s, word) {
		return s
	}
	var b strings.Builder
	for from := 0; ; {
		i := strings.Index(s[from:], word)
		if i < 0 {
			b.WriteString(s[from:])
			return b.String()
		}
		i += from
		end := i + len(word)
		if i > 0 && isWord(s[i-1]) || end < len(s) && isWord(s[end]) {
			b.WriteString(s[from : i+1])
			from = i + 1
			continue
		}
		b.WriteString(s[from:i] + with)
		from = end
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
