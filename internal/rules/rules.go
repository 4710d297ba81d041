// Package rules checks what the schema of a single object cannot say: whether a Service finds pods,
// whether two Ingresses claim one host, whether a load balancer takes all that it is given.
//
// Read makes an Object of what was parsed: the parts of it that rules look at. Check runs the rules
// over clusters: all objects that one cluster would have. Each rule is a value in a table
// (table.go), from which the pages of explain, docs/rules.md and the tests are made.
package rules

import (
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/problem"
)

// Rule is one thing that is checked.
type Rule struct {
	Code   problem.Code
	Title  string   // what is wrong, in a few words
	Error  bool     // what breaks it cannot work: an error; else a warning
	Varies bool     // Error is decided for each finding: the title's page says when
	Reason string   // what happens, and what to do
	Source string   // where that is documented
	Wrong  string   // manifests that break the rule
	Mend   []string // pairs of what is wrong in Wrong, and what is right instead

	object  func(*reading)          // looks at one object alone; runs once for each text
	cluster func(*Cluster, *report) // looks at all objects of a cluster
}

// Finding is something that a rule found.
type Finding struct {
	Rule    *Rule
	Error   bool // else a warning
	Object  *Object
	Place   problem.Place
	Message string // names are in quotes
	Hint    string
	Hidden  bool // the line, and the values in it, may hold a secret
	Also    []Also
	Notes   []string // more of what to do, a line each
}

// Also is another object that a finding concerns.
type Also struct {
	Object *Object
	Place  problem.Place
	Text   string
}

// report collects what a rule finds.
type report struct {
	rule  *Rule
	found []*Finding
}

// add adds a finding at a place of an object; what differs from object to object is quoted (%q).
func (r *report) add(o *Object, place problem.Place, format string, args ...any) *Finding {
	if place == (problem.Place{}) {
		place = o.named
	}
	f := &Finding{Rule: r.rule, Error: r.rule.Error, Object: o, Place: place, Message: fmt.Sprintf(format, args...)}
	r.found = append(r.found, f)
	return f
}

// hint says what to do.
func (f *Finding) hint(format string, args ...any) *Finding {
	f.Hint = fmt.Sprintf(format, args...)
	return f
}

// also names another object that has a part in it.
func (f *Finding) also(o *Object, place problem.Place, format string, args ...any) *Finding {
	if place == (problem.Place{}) {
		place = o.named
	}
	f.Also = append(f.Also, Also{o, place, fmt.Sprintf(format, args...)})
	return f
}

// Check runs all rules over clusters. Findings that an Annotation switches off are left out.
func Check(clusters []*Cluster) []Finding {
	var found []*Finding
	for _, c := range clusters {
		c.index(clusters)
	}
	tagged := taggedByKustomize(clusters)
	for _, c := range clusters {
		for _, rule := range table {
			r := &report{rule: rule}
			if rule.cluster != nil {
				rule.cluster(c, r)
			}
			found = append(found, r.found...)
		}
		splits := c.splits()
		for _, o := range c.Objects {
			found = append(found, o.alone(tagged, splits)...)
		}
	}
	return valuesOf(ignore(clusters, found))
}

// taggedByKustomize returns the repositories whose tags kustomizations set, also where one gives
// the image another name first.
func taggedByKustomize(clusters []*Cluster) map[string]bool {
	tagged, renamed := map[string]bool{}, map[string][]string{} // renamed by the new name
	var tag func(repository string)
	tag = func(repository string) {
		if tagged[repository] {
			return
		}
		tagged[repository] = true
		for _, before := range renamed[repository] {
			tag(before)
		}
	}
	for _, c := range clusters {
		for _, o := range c.Objects {
			for _, r := range o.renamed {
				renamed[o.in(r.value)] = append(renamed[o.in(r.value)], o.in(r.key))
			}
		}
	}
	for _, c := range clusters {
		for _, o := range c.Objects {
			for _, repository := range o.tagged {
				tag(o.in(repository))
			}
		}
	}
	return tagged
}

func valuesOf(found []*Finding) []Finding {
	findings := make([]Finding, len(found))
	for i, f := range found {
		findings[i] = *f
	}
	return findings
}

// splits returns the Services whose actions the Rollouts of a cluster write into Ingresses.
func (c *Cluster) splits() map[id]bool {
	splits := map[id]bool{}
	for _, o := range c.Objects {
		for _, name := range o.splits {
			splits[id{"", "Service", o.namespace(), o.in(name)}] = true
		}
	}
	return splits
}

// alone returns the findings of the rules that look at one object alone. tagged has the
// repositories whose tags a kustomization sets, splits the Services whose actions a Rollout writes.
func (o *Object) alone(tagged map[string]bool, splits map[id]bool) []*Finding {
	var list []*Finding
	for i := range o.found {
		f := &o.found[i]
		if f.sharedOnly && o.Env != nil && !o.Env.Shared || f.repository != "" && tagged[o.in(f.repository)] ||
			f.action != "" && splits[id{"", "Service", o.namespace(), o.in(f.action)}] {
			continue
		}
		args := make([]any, len(f.args))
		for n, arg := range f.args {
			args[n] = o.in(arg)
		}
		one := &Finding{Rule: f.rule, Error: f.rule.Error && !f.warning, Object: o, Place: f.place, Hidden: f.hidden, Message: fmt.Sprintf(f.format, args...), Hint: f.hint}
		if f.known != nil {
			one.Hint = problem.DidYouMean(o.in(f.wrong), o.all(f.known))
		}
		list = append(list, one)
	}
	return list
}

// Find returns the rule of a code, nil if there is none.
func Find(code problem.Code) *Rule {
	for _, rule := range table {
		if rule.Code == code {
			return rule
		}
	}
	return nil
}

// Rules returns all rules, sorted by code.
func Rules() []*Rule { return slices.Clone(table) }

// Explanation returns what there is to say of a rule.
func (r *Rule) Explanation() problem.Explanation {
	var b strings.Builder
	b.WriteString(r.Reason)
	if r.Wrong != "" {
		fmt.Fprintf(&b, "\n\nWrong:\n\n%s\n\nRight:\n\n%s", indented(r.Wrong), indented(r.Right()))
	}
	fmt.Fprintf(&b, "\n\n%s To switch it off for one object: the annotation `%s: %s`.", r.severity(), Annotation, r.Code)
	if r.Source != "" {
		fmt.Fprintf(&b, "\n\nSource: %s", r.Source)
	}
	return problem.Explanation{Code: r.Code, Title: r.Title, Text: b.String()}
}

// Right returns Wrong, mended.
func (r *Rule) Right() string { return strings.NewReplacer(r.Mend...).Replace(r.Wrong) }

// severity says whether breaking the rule is an error.
func (r *Rule) severity() string {
	switch {
	case r.Varies:
		return "An error or a warning, as said above."
	case r.Error:
		return "An error: it cannot work."
	}
	return "A warning, and an error with `--strict`."
}

// maxExample is how many lines of an example a page shows.
const maxExample = 45

func indented(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if n := len(lines) - maxExample; n > 0 {
		lines = append(lines[:maxExample], fmt.Sprintf("# … and %d more lines", n))
	}
	return "    " + strings.Join(lines, "\n    ")
}
