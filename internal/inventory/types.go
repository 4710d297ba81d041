package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// vars keeps a map of variables, and checks them against the defaults.
func (l *loader) vars(to *manifest.Value) func(manifest.Value) {
	return func(v manifest.Value) {
		switch v.Kind {
		case manifest.Null:
		case manifest.Map:
			l.checkVars(v)
			*to = v
		default:
			l.report(problem.WrongType, v.Place, "write vars: {name: value}", "vars must be a map, not %s", v.Kind)
		}
	}
}

// checkVars reports variables that are not declared, and values that are not of
// the type that their default has, at every depth that the default spells out.
func (l *loader) checkVars(vars manifest.Value) {
	if !l.declared {
		return // the defaults were not read, or what is wrong is in them
	}
	for _, f := range vars.Fields {
		def, declared := l.defaults.Get(f.Key.Text)
		if !declared {
			l.reportUndeclared(f.Key)
			continue
		}
		l.checkValue([]string{f.Key.Text}, f.Value, def)
	}
}

func (l *loader) reportUndeclared(key manifest.Value) {
	if l.noVariables {
		l.undeclared = append(l.undeclared, key)
		return
	}
	hint := "declare it, with a default, in " + VariablesFile
	if near := problem.Nearest(key.Text, keysOf(l.defaults)); near != "" {
		hint = "did you mean \"" + near + "\"? Else " + hint
	}
	l.report(problem.UnknownVariable, key.Place, hint, "unknown variable %q", key.Text)
}

// reportNoVariables reports once that there is no file of defaults, where variables
// are set.
func (l *loader) reportNoVariables() {
	if len(l.undeclared) == 0 {
		return
	}
	var names []string
	for _, key := range l.undeclared {
		if !slices.Contains(names, key.Text) {
			names = append(names, key.Text)
		}
	}
	slices.Sort(names)
	const maxNames = 8
	listed := names[:min(len(names), maxNames)]
	hint := "make it, with a line NAME: DEFAULT for each variable: " + strings.Join(listed, ", ")
	if len(names) > maxNames {
		hint += ", …"
	}
	p := problem.At(problem.Place{File: VariablesFile}, hint, "no such file, and %s", setTimes(len(names), len(l.undeclared))).WithCode(problem.Missing)
	p.Notes = []problem.Note{{Place: l.undeclared[0].Place, Text: "the first is set here"}}
	l.problems.Add(p)
}

// setTimes counts variables, and the places where they are set.
func setTimes(variables, places int) string {
	if places == 1 {
		return "1 variable is set"
	}
	return fmt.Sprintf("%s set in %d places", map[bool]string{true: "1 variable is", false: fmt.Sprintf("%d variables are", variables)}[variables == 1], places)
}

// checkValue checks a value at a path of the variables against its default there.
// A default that is null, or an empty map, says nothing of what is in it.
func (l *loader) checkValue(path []string, v, def manifest.Value) {
	if v.Kind == manifest.Null {
		l.checkWritten(path, v)
		return // it removes what is there, whatever its type
	}
	if def.Kind != manifest.Null && !fits(v.Kind, def.Kind) && !l.typed(path) {
		l.reportType(path, v, def)
		return
	}
	l.checkWithin(path, v, def)
}

// checkWithin checks what is in a value.
func (l *loader) checkWithin(path []string, v, def manifest.Value) {
	for i, item := range v.Items {
		l.checkWithin(append(path[:len(path):len(path)], strconv.Itoa(i)), item, manifest.Value{})
	}
	closed := def.Kind == manifest.Map && len(def.Fields) > 0
	for _, f := range v.Fields {
		inner := append(path[:len(path):len(path)], f.Key.Text)
		below, known := def.Get(f.Key.Text)
		switch {
		case closed && !known && !l.opens(path, f.Key.Text):
			l.reportClosed(path, f.Key, def)
		case closed && known:
			l.checkValue(inner, f.Value, below)
		case f.Value.Kind == manifest.Null:
			l.checkWritten(inner, f.Value)
		default:
			l.checkWithin(inner, f.Value, manifest.Value{})
		}
	}
}

// checkDefault checks that each default, and each key in it, has a value.
func (l *loader) checkDefault(path []string, v manifest.Value) {
	if v.Kind == manifest.Null {
		l.checkWritten(path, v)
		return
	}
	l.checkWithin(path, v, manifest.Value{})
}

// checkWritten reports a key without a value: YAML reads it as null, which
// removes, and that may not have been meant.
func (l *loader) checkWritten(path []string, v manifest.Value) {
	if v.Text == "" {
		l.report(problem.WrongType, v.Place, `write null for "not set"; "" is an empty text, {} an empty map, [] an empty list`, "%s has no value", PathName(path))
	}
}

// fits reports whether a value of a kind is allowed where the default is of another.
func fits(is, def manifest.Kind) bool {
	return is == def || def == manifest.Float && is == manifest.Int
}

func (l *loader) reportType(path []string, v, def manifest.Value) {
	l.report(problem.WrongType, v.Place, rewrite(v, def.Kind), "the variable %s must be %s, as its default in %s is; this is %s", PathName(path), def.Kind, def.Place, v.Kind)
}

// reportClosed reports a key that a map's default does not have, and how the map
// can be opened.
func (l *loader) reportClosed(path []string, key, def manifest.Value) {
	p := problem.At(key.Place, problem.DidYouMean(key.Text, keysOf(def)), "unknown key %q in %s: its default in %s has no such key", key.Text, PathName(path), def.Place).WithCode(problem.UnknownKey)
	p.Notes = []problem.Note{{Text: fmt.Sprintf("to let %s have keys of any name, add to %s:\n%s", PathName(path), SchemaFile, openingLines(path))}}
	l.problems.Add(p)
}

// openingLines returns the lines of a schema that open the map at a path.
func openingLines(path []string) string {
	var b strings.Builder
	indent := "    "
	for _, key := range path {
		fmt.Fprintf(&b, "%sproperties:\n%s  %s:\n", indent, indent, key)
		indent += "    "
	}
	return b.String() + indent + "additionalProperties: true"
}

func keysOf(m manifest.Value) []string {
	keys := make([]string, len(m.Fields))
	for i, f := range m.Fields {
		keys[i] = f.Key.Text
	}
	return keys
}

// rewrite returns how a value of the wrong kind would be written in the right one, as
// far as that is known.
func rewrite(v manifest.Value, want manifest.Kind) string {
	isNumber := v.Kind == manifest.Int || v.Kind == manifest.Float
	switch {
	case want == manifest.Int && isNumber && v.Kind == manifest.Float && strings.HasSuffix(strings.TrimRight(v.Text, "0"), "."):
		return "write " + strings.TrimRight(strings.TrimRight(v.Text, "0"), ".")
	case want == manifest.String && (v.Kind == manifest.Bool || isNumber):
		return `write "` + v.Text + `", in quotes`
	case want == manifest.Bool && v.Kind == manifest.String:
		switch strings.ToLower(v.Text) {
		case "yes", "on", "y", "true":
			return "write true"
		case "no", "off", "n", "false":
			return "write false"
		}
	case (want == manifest.Int || want == manifest.Float) && v.Kind == manifest.String && strings.Trim(v.Text, "0123456789") == "" && v.Text != "":
		return "write " + v.Text + ", without quotes"
	case want == manifest.List && (v.Kind == manifest.String || isNumber):
		return "write [" + v.Text + "]"
	}
	return ""
}

// nullsWithoutEffect reports each null in some variables that removes nothing,
// because no weaker layer has what it names.
func (l *loader) nullsWithoutEffect(vars manifest.Value, weaker []manifest.Value) {
	var walk func(path []string, v manifest.Value)
	walk = func(path []string, v manifest.Value) {
		if v.Kind == manifest.Null && v.Text != "" && !anyHas(weaker, path) && !l.reported(v.Place.Line, v.Place.File) {
			hint := "take the line out"
			if near := problem.Nearest(path[len(path)-1], siblings(weaker, path)); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			l.report(problem.NoEffect, v.Place, hint, "this null removes nothing: no weaker layer sets %s", PathName(path))
		}
		for _, f := range v.Fields {
			walk(append(path[:len(path):len(path)], f.Key.Text), f.Value)
		}
	}
	for _, f := range vars.Fields {
		if _, declared := l.defaults.Get(f.Key.Text); declared {
			walk([]string{f.Key.Text}, f.Value)
		}
	}
}

// reported reports whether a line has a problem already: one mistake is one problem.
func (l *loader) reported(line int, file string) bool {
	return slices.ContainsFunc(l.problems, func(p *problem.Problem) bool { return p.Place.File == file && p.Place.Line == line })
}

// anyHas reports whether one of some values has something other than null at a path.
func anyHas(values []manifest.Value, path []string) bool {
	return slices.ContainsFunc(values, func(v manifest.Value) bool {
		return v.At(path...).Kind != manifest.Null
	})
}

// siblings returns the keys that some values have next to the last of a path.
func siblings(values []manifest.Value, path []string) []string {
	var keys []string
	for _, v := range values {
		keys = append(keys, keysOf(v.At(path[:len(path)-1]...))...)
	}
	return keys
}

// checkNulls reports the nulls without effect of every layer.
func (l *loader) checkNulls() {
	inv := &l.inventory
	var services, environments []manifest.Value
	for _, s := range inv.Services {
		l.nullsWithoutEffect(s.Vars, []manifest.Value{l.defaults})
		services = append(services, s.Vars)
	}
	for _, e := range inv.Environments {
		own, above := e.Chain[len(e.Chain)-1], e.Chain[:len(e.Chain)-1]
		weaker := append([]manifest.Value{l.defaults}, services...)
		for _, link := range above {
			weaker = append(weaker, link.vars())
		}
		l.nullsWithoutEffect(own.vars(), weaker)
		environments = append(environments, own.vars())
		for _, s := range inv.Services {
			vars := own.serviceVars(s.Name)
			if len(vars.Fields) == 0 {
				continue
			}
			weaker := append([]manifest.Value{l.defaults, s.Vars}, inv.varsWith(e)...)
			for _, link := range above {
				weaker = append(weaker, link.serviceVars(s.Name))
			}
			l.nullsWithoutEffect(vars, weaker)
			environments = append(environments, vars)
		}
	}
	for _, u := range inv.Users {
		if len(u.Vars.Fields) > 0 {
			l.nullsWithoutEffect(u.Vars, slices.Concat([]manifest.Value{l.defaults}, services, environments))
		}
	}
}

// varsWith returns the vars of the files of an environment, and of those that
// extend it: all that its variables for a service are laid over.
func (inv *Inventory) varsWith(e *Environment) []manifest.Value {
	var vars []manifest.Value
	for _, other := range inv.Environments {
		if slices.ContainsFunc(other.Chain, func(link Link) bool { return link.Name == e.Name }) {
			for _, link := range other.Chain {
				vars = append(vars, link.vars())
			}
		}
	}
	return vars
}
