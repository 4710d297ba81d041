package adopt

import (
	"slices"
	"strings"
)

// slot is a place in aligned copies: what one node is in each copy that has it. Copies
// are numbered.
type slot struct {
	kind   kind
	form   form
	label  string // of the first copy that has it
	like   *node  // the node of that copy
	of     int    // and which copy that is
	line   []int  // by copy: its line there; -1 where it has none of its own
	has    []bool // by copy
	kids   []*slot
	parent *slot

	noVars   bool // with variables it is not rendered as it was: it gets none
	noChoice bool // nor with its texts chosen from in the line: each gets a line of its own
}

// alignment is some copies, aligned.
type alignment struct {
	copies []*copied
	slots  []*slot // the documents
}

// copied is one copy of a manifest.
type copied struct {
	cell
	file  *file
	lines []string
	docs  []*node
	names namer
	left  bool  // it cannot be adopted
	whole *node // see wholeOf
}

// align aligns copies, the longest first: what the others have in common with it is
// matched by keys, and by names in lists; what cannot be matched stands beside it.
func align(copies []*copied) *alignment {
	a := &alignment{copies: copies}
	order := make([]int, len(copies))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return len(copies[y].lines) - len(copies[x].lines) })
	for _, i := range order {
		a.slots = a.merge(a.slots, copies[i].docs, i)
	}
	setParents(nil, a.slots)
	return a
}

// prepare aligns a template's copies.
func (t *template) prepare(explain *explainer, tags map[string]bool, known map[string]*alignment) {
	t.explain, t.tags = explain, tags
	t.cells = nil
	for _, c := range t.copies {
		t.cells = append(t.cells, c.cell)
	}
	var key strings.Builder
	for _, c := range t.copies {
		key.WriteString(c.file.path + "\n")
	}
	if known[key.String()] == nil {
		known[key.String()] = align(t.copies)
	}
	t.alignment = *known[key.String()]
}

func setParents(parent *slot, kids []*slot) {
	for _, k := range kids {
		k.parent = parent
		setParents(k, k.kids)
	}
}

// merge aligns the nodes of a copy with slots.
func (a *alignment) merge(slots []*slot, nodes []*node, copy int) []*slot {
	merged := make([]*slot, 0, max(len(slots), len(nodes)))
	s, n := 0, 0
	for _, pair := range pairs(slots, nodes) {
		for ; s < pair[0]; s++ {
			merged = append(merged, slots[s])
		}
		for ; n < pair[1]; n++ {
			merged = append(merged, a.newSlot(nodes[n], copy))
		}
		if pair[0] == len(slots) {
			break
		}
		slots[s].fill(nodes[n], copy)
		slots[s].kids = a.merge(slots[s].kids, nodes[n].kids, copy)
		merged = append(merged, slots[s])
		s, n = s+1, n+1
	}
	return merged
}

func (s *slot) fill(n *node, copy int) { s.has[copy], s.line[copy] = true, n.line }

func (a *alignment) newSlot(n *node, copy int) *slot {
	s := &slot{kind: n.kind, form: n.form, label: n.label, like: n, of: copy, line: make([]int, len(a.copies)), has: make([]bool, len(a.copies))}
	for i := range s.line {
		s.line[i] = -1
	}
	s.fill(n, copy)
	for _, k := range n.kids {
		s.kids = append(s.kids, a.newSlot(k, copy))
	}
	return s
}

// maxCells is how large a table of scores may be.
const maxCells = 1 << 22

// pairs returns which slots and nodes are the same, in their order, and at the end the
// lengths of both.
func pairs(slots []*slot, nodes []*node) [][2]int {
	var list [][2]int
	same := func(s *slot, n *node) bool {
		return s.kind == n.kind && s.form == n.form && s.like.named(n) && s.like.col == n.col && s.kind != blank
	}
	lo := 0
	for lo < len(slots) && lo < len(nodes) && same(slots[lo], nodes[lo]) {
		list = append(list, [2]int{lo, lo})
		lo++
	}
	endS, endN := len(slots), len(nodes)
	var tail [][2]int
	for endS > lo && endN > lo && same(slots[endS-1], nodes[endN-1]) {
		endS, endN = endS-1, endN-1
		tail = append(tail, [2]int{endS, endN})
	}
	for _, p := range best(slots[lo:endS], nodes[lo:endN]) {
		list = append(list, [2]int{p[0] + lo, p[1] + lo})
	}
	slices.Reverse(tail)
	list = append(list, tail...)
	return append(list, [2]int{len(slots), len(nodes)})
}

// best returns the pairs with the highest sum of scores.
func best(slots []*slot, nodes []*node) [][2]int {
	n, m := len(slots), len(nodes)
	if n == 0 || m == 0 || n*m > maxCells {
		return nil
	}
	width := m + 1
	sums := make([]float32, (n+1)*width)
	scores := make([]float32, n*m)
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			score := matchScore(slots[i], nodes[j])
			if score == 0 && n == m && i == j && plainItems(slots[i], nodes[j]) {
				score = 0.1 // what stands in the same place of a list is the same
			}
			scores[i*m+j] = score
			best := max(sums[(i+1)*width+j], sums[i*width+j+1])
			if score > 0 {
				best = max(best, score+sums[(i+1)*width+j+1])
			}
			sums[i*width+j] = best
		}
	}
	var list [][2]int
	for i, j := 0, 0; i < n && j < m; {
		score := scores[i*m+j]
		switch here := sums[i*width+j]; {
		case score > 0 && here == score+sums[(i+1)*width+j+1]:
			list = append(list, [2]int{i, j})
			i, j = i+1, j+1
		case here == sums[(i+1)*width+j]:
			i++
		default:
			j++
		}
	}
	return list
}

// plainItems reports whether a slot and a node are items that are scalars, on one line.
func plainItems(s *slot, n *node) bool {
	return s.kind == item && n.kind == item && s.form == inline && n.form == inline && s.like.col == n.col
}

// matchScore returns how well a slot and a node go together; 0 where they do not.
func matchScore(s *slot, n *node) float32 {
	if s.kind != n.kind || s.form != n.form || s.like.col != n.col {
		return 0 // what is indented in another way is another text
	}
	named := s.like.named(n)
	switch s.kind {
	case blank, marker:
		return 1
	case comment, text:
		switch alike := likeness(s.like, n); {
		case named:
			return 3
		case alike >= 0.75, alike >= 0.5 && (s.kind == comment || firstWord.FindString(s.label) == firstWord.FindString(n.label)):
			return 1
		}
		return 0
	case entry:
		if !named {
			return 0
		}
		return 8
	case document:
		alike := similar(s.like, n)
		switch {
		case named:
			return 8 + 4*alike
		case sameKind(s.label, n.label) && alike >= 0.5:
			return 4 * alike
		}
		return 0
	}
	return itemScore(s, n, named)
}

// minItem is how many nodes an item must have to be matched by its likeness alone: a
// pair of a name and a value is always like another.
const minItem = 4

func itemScore(s *slot, n *node, named bool) float32 {
	if len(s.kids) > 0 && len(n.kids) > 0 && (!s.like.kids[0].named(n.kids[0]) || s.like.kids[0].kind != n.kids[0].kind) {
		return 0 // the line with the dash is another
	}
	if len(s.kids) > 0 != (len(n.kids) > 0) {
		return 0
	}
	alike := similar(s.like, n)
	switch {
	case named:
		return 6 + 4*alike
	case len(n.kids) == 0 && likeness(s.like, n) >= 0.5:
		return 1
	case len(n.kids) > 0 && min(s.like.size(), n.size()) >= minItem && alike >= 0.7:
		return 3 * alike
	}
	return 0
}

func sameKind(a, b string) bool {
	i, j := slices.Index([]byte(a), '/'), slices.Index([]byte(b), '/')
	return a[:i] == b[:j] && i > 0
}

// size returns how many nodes are below a node.
func (n *node) size() int {
	size := len(n.kids)
	for _, k := range n.kids {
		size += k.size()
	}
	return size
}

// similar returns how much of the structure below two nodes is the same, from 0 to 1.
func similar(a, b *node) float32 {
	if len(a.kids) == 0 && len(b.kids) == 0 {
		return 1
	}
	x, y := a.profile(), b.profile()
	shared := 0
	for key, n := range x {
		shared += min(n, y[key])
	}
	return 2 * float32(shared) / float32(x.count()+y.count())
}

// profile counts the labels below a node.
type profile map[profileKey]int

type profileKey struct {
	kind   kind
	parent string
	label  string
	col    int
	quote  byte
}

func (p profile) count() int {
	sum := 0
	for _, n := range p {
		sum += n
	}
	return sum
}

// profile is made once: the copies that come later are compared with the first.
func (n *node) profile() profile {
	if n.known == nil {
		n.known = profile{}
		n.addTo(n.known, "")
	}
	return n.known
}

func (n *node) addTo(p profile, parent string) {
	for _, k := range n.kids {
		if k.kind != blank {
			p[profileKey{k.kind, parent, k.label, k.col, k.quote}]++
		}
		k.addTo(p, k.label)
	}
}

// likeness returns how many of the words of two nodes' labels are the same, from 0 to 1.
func likeness(a, b *node) float32 {
	x, y := a.labelWords(), b.labelWords()
	if len(x)+len(y) == 0 {
		return 0
	}
	shared := 0
	if len(x) < 16 && len(y) < 16 {
		var used [16]bool
		for _, w := range x {
			for i, other := range y {
				if !used[i] && w == other {
					used[i] = true
					shared++
					break
				}
			}
		}
		return 2 * float32(shared) / float32(len(x)+len(y))
	}
	counts := map[string]int{}
	for _, w := range x {
		counts[w]++
	}
	for _, w := range y {
		if counts[w] > 0 {
			counts[w]--
			shared++
		}
	}
	return 2 * float32(shared) / float32(len(x)+len(y))
}

// labelWords returns the words of a node's label, split once.
func (n *node) labelWords() []string {
	if n.split == nil && n.label != "" {
		n.split = words(n.label)
	}
	return n.split
}

func words(s string) []string {
	var list []string
	start := -1
	for i := 0; i <= len(s); i++ {
		in := i < len(s) && (isWord(s[i]) || s[i] >= 0x80 || s[i] == '\x01')
		switch {
		case in && start < 0:
			start = i
		case !in && start >= 0:
			list = append(list, s[start:i])
			start = -1
		}
	}
	return list
}
