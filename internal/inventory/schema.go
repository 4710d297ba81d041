package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// SchemaFile is the optional JSON Schema of the variables, below the source folder.
const SchemaFile = "templates/variables.schema.yaml"

// VariablesSchema is the JSON Schema of the variables, compiled.
type VariablesSchema interface {
	// Typed reports whether it says a type at a path of the variables.
	Typed(path []string) bool
	// Opens reports whether it lets the map at a path have a key that its default has
	// not.
	Opens(path []string, key string) bool
	// Check returns the rules that some variables break.
	Check(vars any) []Violation
}

// Compiler compiles the schema of the variables; what is wrong with it are violations.
// Environment checks the name of an environment. Package schema has the one that there is.
type Compiler func(source any, environment func(name string) error) (VariablesSchema, []Violation)

// Violation is a rule that is broken: a rule of the schema by the variables, or one of JSON
// Schema by the schema itself.
type Violation struct {
	Path []string // of the value, in the variables or in the schema
	Rule []string // the path of the rule in the schema
	Text string   // what the value must be, to follow its name: "must be at least 3"
	Hint string

	Whole     bool           // Text is all that is to be said
	ShowValue bool           // what the value is goes behind Text
	Want      *manifest.Kind // that the value should have; nil is not known
	Words     []string       // that the value can be

	Key            string   // the key of the map at Path that is meant, not the map
	Unknown, Known []string // keys of the map at Path that are not allowed, and that are
	Missing        []string // variables that must be set
}

// typed is VariablesSchema.Typed; no schema says nothing.
func (l *loader) typed(path []string) bool { return l.schema != nil && l.schema.Typed(path) }

// opens is VariablesSchema.Opens.
func (l *loader) opens(path []string, key string) bool {
	return l.schema != nil && l.schema.Opens(path, key)
}

// readSchema reads the schema of the variables, if there is one.
func (l *loader) readSchema(compile Compiler) {
	before := len(l.problems)
	defer func() {
		if len(l.problems) > before {
			l.declared = false // it is not known which keys and types the schema allows
		}
	}()
	doc := l.document(SchemaFile, false, "")
	if doc.Place == (problem.Place{}) {
		return
	}
	compiled, mistakes := compile(jsonValue(doc), l.checkEnvironmentName)
	for _, m := range mistakes {
		l.reportMistake(doc, m)
	}
	if len(mistakes) > 0 {
		return
	}
	l.checkKeywords(doc)
	l.schema, l.schemaSource = compiled, doc
}

// checkEnvironmentName checks a text that names an environment.
func (l *loader) checkEnvironmentName(name string) error {
	var names []string
	for _, e := range l.inventory.Environments {
		if !e.Abstract {
			names = append(names, e.Name)
		}
	}
	if slices.Contains(names, name) {
		return nil
	}
	return errors.New(problem.DidYouMean(name, names))
}

// reportMistake reports what is wrong with the schema itself, where it is written.
func (l *loader) reportMistake(doc manifest.Value, m Violation) {
	value, _, _ := locate(doc, m.Path)
	if !m.Whole {
		l.report(problem.NotASchema, value.Place, m.hint(value), "this is no JSON Schema: %s %s", PathName(m.Path), m.text(value))
		return
	}
	if ref, found := findRef(doc, m.Text); found && len(m.Path) == 0 {
		value.Place = ref
	}
	l.report(problem.NotASchema, value.Place, m.Hint, "%s", m.Text)
}

// text returns what a value must be, and what it is.
func (v *Violation) text(value manifest.Value) string {
	switch {
	case !v.ShowValue:
		return v.Text
	case value.Kind == manifest.Map || value.Kind == manifest.List:
		return v.Text + "; this is " + value.Kind.String()
	}
	return v.Text + "; this is " + value.String()
}

// hint returns what to write instead of a value.
func (v *Violation) hint(value manifest.Value) string {
	if v.Want != nil {
		return rewrite(value, *v.Want)
	}
	if near := problem.Nearest(value.Text, v.Words); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return v.Hint
}

// findRef returns the place of the $ref or $schema that a text names.
func findRef(v manifest.Value, text string) (problem.Place, bool) {
	for _, f := range v.Fields {
		if isRef := f.Key.Text == "$ref" || f.Key.Text == "$schema" || f.Key.Text == "$dynamicRef"; isRef && f.Value.Text != "" && strings.Contains(text, strings.TrimPrefix(f.Value.Text, "#")) {
			return f.Value.Place, true
		}
		if place, found := findRef(f.Value, text); found {
			return place, true
		}
	}
	for _, item := range v.Items {
		if place, found := findRef(item, text); found {
			return place, true
		}
	}
	return problem.Place{}, false
}

// checkSchema reports the values that the schema does not allow, as the layers make
// them for every environment, service and user, where each was written.
func (l *loader) checkSchema() {
	if l.schema == nil {
		return
	}
	inv := &l.inventory
	for _, e := range inv.Environments {
		renders := func(scopes ...string) bool {
			return !e.Abstract && slices.ContainsFunc(e.Templates, func(s string) bool { return slices.Contains(scopes, s) })
		}
		perService := renders("service", "user-service")
		l.checkCombination(e, nil, nil, renders("environment", "team", "user"))
		for _, s := range inv.Services {
			l.checkCombination(e, s, nil, perService && !e.Overrides[s.Name].Absent)
		}
		for _, u := range inv.Users {
			if len(u.Vars.Fields) == 0 {
				continue
			}
			l.checkCombination(e, nil, u, renders("user") && !u.Absent)
			for _, s := range u.Services {
				l.checkCombination(e, s, u, renders("user-service") && !u.Absent && !e.Overrides[s.Name].Absent)
			}
		}
	}
}

// checkCombination checks the variables of one environment, service and user.
// Where no template sees them, variables may be missing.
func (l *loader) checkCombination(e *Environment, s *Service, u *User, seen bool) {
	vars := l.inventory.Vars(e, s, u)
	for _, v := range l.schema.Check(jsonValue(vars)) {
		if len(v.Missing) == 0 {
			l.reportViolation(vars, v)
		} else if seen {
			l.reportUnset(e, s, v.Missing)
		}
	}
}

// reportUnset reports variables that the schema requires, at the environment that
// lacks them.
func (l *loader) reportUnset(e *Environment, s *Service, names []string) {
	for _, name := range names {
		hint := fmt.Sprintf("add to %s: vars: {%s: …}", e.Place.File, name)
		if _, declared := l.defaults.Get(name); !declared {
			hint = "declare it, with a default, in " + VariablesFile
		} else if s != nil {
			hint += fmt.Sprintf("; or for one service: services: {%s: {vars: {%s: …}}}", s.Name, name)
		}
		l.report(problem.AgainstSchema, e.Place, hint, "the variable %s must be set in the environment %s", name, e.Name)
	}
}

// reportViolation reports one violation at the value, or the key, that it is about.
func (l *loader) reportViolation(vars manifest.Value, v Violation) {
	value, _, _ := locate(vars, v.Path)
	rule := problem.Note{Text: "the rule of the schema", Place: l.rulePlace(v.Rule)}
	report := func(place problem.Place, hint, format string, args ...any) {
		if place == (problem.Place{}) {
			place = problem.Place{File: VariablesFile}
		}
		if slices.ContainsFunc(l.problems, func(p *problem.Problem) bool { return p.Place == place }) {
			return // it was found for another combination, or as a wrong type
		}
		p := problem.At(place, hint, format, args...).WithCode(problem.AgainstSchema)
		p.Notes = []problem.Note{rule}
		l.problems.Add(p)
	}
	name := PathName(v.Path)
	if len(v.Path) == 0 {
		name = "the map of variables"
	}
	switch {
	case v.Key != "":
		key := manifest.Value{Kind: manifest.String, Text: v.Key}
		report(keyPlace(value, v.Key), v.hint(key), "the key %q of %s %s", v.Key, name, v.text(key))
	case len(v.Unknown) > 0:
		for _, key := range v.Unknown {
			report(keyPlace(value, key), problem.DidYouMean(key, v.Known), "unknown key %q in %s", key, name)
		}
	case len(v.Path) == 0:
		report(value.Place, v.hint(value), "%s %s", name, v.text(value))
	default:
		report(value.Place, v.hint(value), "the variable %s %s", name, v.text(value))
	}
}

// keyPlace returns the place of a map's key, that of the map where it has none.
func keyPlace(m manifest.Value, key string) problem.Place {
	if i := fieldIndex(m, key); i >= 0 {
		return m.Fields[i].Key.Place
	}
	return m.Place
}

// rulePlace returns where the schema has a rule.
func (l *loader) rulePlace(rule []string) problem.Place {
	value, key, _ := locate(l.schemaSource, rule)
	if key.Place != (problem.Place{}) {
		return key.Place
	}
	return value.Place
}

// OrList returns a, b or c.
func OrList(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// locate follows a path of keys and numbers of items; key is the last key on it.
// It ends at the last value there is.
func locate(v manifest.Value, path []string) (value, key manifest.Value, whole bool) {
	for _, step := range path {
		if v.Kind == manifest.List {
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v.Items) {
				return v, key, false
			}
			v = v.Items[i]
			continue
		}
		i := fieldIndex(v, step)
		if i < 0 {
			return v, key, false
		}
		v, key = v.Fields[i].Value, v.Fields[i].Key
	}
	return v, key, true
}

// Pointer returns the path of a JSON pointer that is written as the fragment of a URL (RFC
// 6901, section 6), without the #.
func Pointer(fragment string) []string {
	if decoded, err := url.PathUnescape(fragment); err == nil {
		fragment = decoded
	}
	if fragment == "" {
		return nil
	}
	path := strings.Split(strings.TrimPrefix(fragment, "/"), "/")
	for i, step := range path {
		path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
	}
	return path
}

// jsonValue returns a value as the schema's validator takes it: numbers keep their
// digits. What is not set is left out of maps.
func jsonValue(v manifest.Value) any {
	switch v.Kind {
	case manifest.Null:
		return nil
	case manifest.Bool:
		return v.Go()
	case manifest.Int, manifest.Float:
		return jsonNumber(v)
	case manifest.List:
		list := make([]any, len(v.Items))
		for i, item := range v.Items {
			list[i] = jsonValue(item)
		}
		return list
	case manifest.Map:
		m := make(map[string]any, len(v.Fields))
		for _, f := range v.Fields {
			if f.Value.Kind != manifest.Null {
				m[f.Key.Text] = jsonValue(f.Value)
			}
		}
		return m
	}
	return v.Text
}

// jsonNumber returns a number as the YAML 1.1 of Kubernetes reads it. What JSON has no
// number for (.inf, .nan) is a text.
func jsonNumber(v manifest.Value) any {
	if json.Valid([]byte(v.Text)) {
		return json.Number(v.Text)
	}
	plain := strings.ReplaceAll(v.Text, "_", "")
	if n, ok := new(big.Int).SetString(plain, 0); ok {
		return json.Number(n.String())
	}
	if n, ok := sexagesimal(plain); ok {
		return json.Number(strconv.FormatInt(n, 10))
	}
	if n, err := strconv.ParseFloat(plain, 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
		return json.Number(strconv.FormatFloat(n, 'g', -1, 64))
	}
	return v.Text
}

// sexagesimal reads 1:30 as YAML 1.1 does: 90.
func sexagesimal(text string) (n int64, ok bool) {
	parts := strings.Split(strings.TrimLeft(text, "+-"), ":")
	for _, part := range parts {
		digit, err := strconv.ParseInt(part, 10, 32)
		if err != nil || len(parts) < 2 || n > math.MaxInt64/100 {
			return 0, false
		}
		n = n*60 + digit
	}
	if strings.HasPrefix(text, "-") {
		n = -n
	}
	return n, true
}

// PathName returns a path as people write it, with the numbers of items in brackets.
func PathName(path []string) string {
	var b strings.Builder
	for i, step := range path {
		switch _, err := strconv.Atoi(step); {
		case err == nil && i > 0:
			fmt.Fprintf(&b, "[%s]", step)
		case i > 0:
			b.WriteString("." + step)
		default:
			b.WriteString(step)
		}
	}
	if b.Len() == 0 {
		return "the whole"
	}
	return b.String()
}
