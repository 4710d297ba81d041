package adopt

import (
	"cmp"
	"slices"
	"strings"
)

// cell is what a file is rendered for: an environment, and in it a service, or none.
type cell struct{ env, service string }

// fact is something that a template knows without a variable: .Env.Name.
type fact struct {
	expr string
	of   func(cell) string // "" where it is not known
}

// The facts' expressions.
const (
	envName      = ".Env.Name"
	envNamespace = ".Env.Namespace"
	envDomain    = ".Env.Domain"
	envCluster   = ".Env.Cluster"
	serviceName  = ".Service.Name"
	serviceSnake = `.Service.Name | replace "-" "_"`
	serviceUpper = `.Service.Name | replace "-" "_" | upper`
	envUpper     = ".Env.Name | upper"
)

// namer makes texts of different cells the same as far as facts are concerned.
type namer struct{ words []string } // the longest first

// namerOf returns the namer of a cell.
func namerOf(facts []fact, c cell) namer {
	var n namer
	for _, f := range facts {
		if value := f.of(c); value != "" && !slices.Contains(n.words, value) {
			n.words = append(n.words, value)
		}
	}
	slices.SortStableFunc(n.words, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return n
}

// factSign stands for a fact in a text that is compared.
const factSign = "\x01"

func (n namer) name(s string) string {
	for _, w := range n.words {
		s = replaceWhole(s, w, factSign)
	}
	return s
}

// explainer finds expressions for values.
type explainer struct {
	facts []fact
	known map[cell][]string // the facts' values
}

func newExplainer(facts []fact) *explainer { return &explainer{facts, map[cell][]string{}} }

// index returns a fact's place in what of returns.
func (e *explainer) index(expr string) int {
	return slices.IndexFunc(e.facts, func(f fact) bool { return f.expr == expr })
}

func (e *explainer) of(c cell) []string {
	values, known := e.known[c]
	if !known {
		for _, f := range e.facts {
			values = append(values, f.of(c))
		}
		e.known[c] = values
	}
	return values
}

// explain returns pieces that print each value in its cell, without a variable; nil where
// there are none. Facts that do not differ explain nothing.
func (e *explainer) explain(values []string, cells []cell, isNamespace bool) []piece {
	if allEqual(values) {
		return literal(values[0])
	}
	var x explanation
	seen := map[string]bool{}
	for i, v := range values {
		known := e.of(cells[i])
		key := v + "\x00" + strings.Join(known, "\x00")
		if !seen[key] {
			seen[key] = true
			x.values, x.known = append(x.values, v), append(x.known, known)
		}
	}
	e.choose(&x, isNamespace)
	return x.pieces(e.facts, x.values, 0)
}

// explanation is one explain.
type explanation struct {
	values []string
	known  [][]string // by value, the facts'
	usable []int      // the facts to try, in their order
}

// choose finds the facts that differ. A namespace that is called like its environment
// everywhere is the namespace only where one stands.
func (e *explainer) choose(x *explanation, isNamespace bool) {
	facts := e.facts
	vector := func(f int) []string {
		list := make([]string, len(x.known))
		for i := range x.known {
			list[i] = x.known[i][f]
		}
		return list
	}
	sameAsName := slices.Equal(vector(e.index(envNamespace)), vector(e.index(envName)))
	for f := range facts {
		values := vector(f)
		if slices.Contains(values, "") || allEqual(values) || facts[f].expr == envNamespace && sameAsName && !isNamespace {
			continue
		}
		x.usable = append(x.usable, f)
	}
}

// maxFacts is how many facts one value may be made of.
const maxFacts = 4

func (x *explanation) pieces(facts []fact, values []string, depth int) []piece {
	if allEqual(values) {
		return literal(values[0])
	}
	if depth == maxFacts {
		return nil
	}
	for _, f := range x.usable {
		for _, find := range []func(s, word string) int{firstWhole, lastWhole} {
			left, right, ok := x.cut(values, f, find)
			if !ok {
				continue
			}
			before := x.pieces(facts, left, depth+1)
			if before == nil {
				continue
			}
			if after := x.pieces(facts, right, depth+1); after != nil {
				return slices.Concat(before, []piece{{expr: facts[f].expr}}, after)
			}
		}
	}
	return nil
}

// cut splits values where a fact stands in them.
func (x *explanation) cut(values []string, f int, find func(s, word string) int) (left, right []string, ok bool) {
	for i, v := range values {
		word := x.known[i][f]
		at := find(v, word)
		if at < 0 {
			return nil, nil, false
		}
		left, right = append(left, v[:at]), append(right, v[at+len(word):])
	}
	return left, right, true
}

func firstWhole(s, word string) int { return wholeIndex(s, word, 0) }

func lastWhole(s, word string) int {
	last := -1
	for at := wholeIndex(s, word, 0); at >= 0; at = wholeIndex(s, word, at+1) {
		last = at
	}
	return last
}

func allEqual(values []string) bool {
	for _, v := range values[1:] {
		if v != values[0] {
			return false
		}
	}
	return true
}

// literal returns a text as a piece.
func literal(s string) []piece {
	return []piece{{text: s}}
}
