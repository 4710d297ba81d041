package inventory

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

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
	err := l.schema.root.Validate(jsonValue(vars))
	if err == nil {
		return
	}
	for _, v := range leavesOf(err.(*jsonschema.ValidationError)) {
		if missing, ok := v.ErrorKind.(*kind.Required); ok && len(v.InstanceLocation) == 0 {
			if seen {
				l.reportUnset(e, s, missing.Missing)
			}
			continue
		}
		for _, path := range l.schema.locations(v, vars) {
			l.reportViolation(vars, path, v)
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

// locations returns where in the variables a violation is. The validator's own
// location cannot be relied on for names of properties: others overwrite it.
func (s *schema) locations(v *jsonschema.ValidationError, vars manifest.Value) [][]string {
	named, ok := v.ErrorKind.(*kind.PropertyNames)
	if !ok {
		return [][]string{v.InstanceLocation}
	}
	var found [][]string
	var walk func(v2 manifest.Value, path []string)
	walk = func(value manifest.Value, path []string) {
		if fieldIndex(value, named.Property) >= 0 {
			for _, n := range s.nodes(path) {
				if n.PropertyNames != nil && n.PropertyNames.Location == v.SchemaURL {
					found = append(found, path)
					break
				}
			}
		}
		for _, f := range value.Fields {
			walk(f.Value, append(path[:len(path):len(path)], f.Key.Text))
		}
	}
	walk(vars, nil)
	if found == nil {
		found = [][]string{v.InstanceLocation}
	}
	return found
}

// reportViolation reports one violation at the value, or the key, that it is about.
func (l *loader) reportViolation(vars manifest.Value, path []string, v *jsonschema.ValidationError) {
	value, _, _ := locate(vars, path)
	rule := problem.Note{Text: "the rule of the schema", Place: l.schema.place(v)}
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
	switch k := v.ErrorKind.(type) {
	case *kind.PropertyNames:
		message, hint := "is not allowed", ""
		if len(v.Causes) > 0 {
			message, hint = sentence(leavesOf(v.Causes[0])[0], manifest.Value{Kind: manifest.String, Text: k.Property})
		}
		report(value.Fields[fieldIndex(value, k.Property)].Key.Place, hint, "the key %q of %s %s", k.Property, nameOf(path), message)
	case *kind.AdditionalProperties:
		var known []string
		for _, n := range l.schema.nodes(path) {
			for key := range n.Properties {
				known = append(known, key)
			}
		}
		slices.Sort(known)
		for _, key := range k.Properties {
			report(value.Fields[fieldIndex(value, key)].Key.Place, problem.DidYouMean(key, known), "unknown key %q in %s", key, nameOf(path))
		}
	default:
		message, hint := sentence(v, value)
		report(value.Place, hint, "the variable %s %s", nameOf(path), message)
	}
}

// place is where the schema says what a value does not follow.
func (s *schema) place(v *jsonschema.ValidationError) problem.Place {
	_, within, _ := strings.Cut(v.SchemaURL, "#")
	path := append(pointer(within), v.ErrorKind.KeywordPath()...)
	value, key, _ := locate(s.source, path)
	if key.Place != (problem.Place{}) {
		return key.Place
	}
	return value.Place
}

// leavesOf are the violations that a person can act on: those of all that must
// hold, and an alternative as one.
func leavesOf(v *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch v.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains:
		return []*jsonschema.ValidationError{v}
	case *kind.PropertyNames:
		if len(v.Causes) > 0 {
			return []*jsonschema.ValidationError{v}
		}
	}
	if len(v.Causes) == 0 {
		return []*jsonschema.ValidationError{v}
	}
	var leaves []*jsonschema.ValidationError
	for _, cause := range v.Causes {
		leaves = append(leaves, leavesOf(cause)...)
	}
	return leaves
}

// sentence says what a value must be, to follow its name, and what to write instead.
func sentence(v *jsonschema.ValidationError, value manifest.Value) (text, hint string) {
	this := "; this is " + value.String()
	if value.Kind == manifest.Map || value.Kind == manifest.List {
		this = "; this is " + value.Kind.String()
	}
	switch k := v.ErrorKind.(type) {
	case *kind.Type:
		return "must be " + orList(typeNames(k.Want)) + this, rewrite(value, kinds[k.Want[0]])
	case *kind.Enum:
		words := texts(k.Want)
		return "must be " + orList(words) + this, didYouMeanOnly(value.Text, k.Want)
	case *kind.Const:
		return "must be " + jsonText(k.Want) + this, ""
	case *kind.Minimum:
		return "must be at least " + ratText(k.Want) + this, ""
	case *kind.Maximum:
		return "must be at most " + ratText(k.Want) + this, ""
	case *kind.ExclusiveMinimum:
		return "must be more than " + ratText(k.Want) + this, ""
	case *kind.ExclusiveMaximum:
		return "must be less than " + ratText(k.Want) + this, ""
	case *kind.MultipleOf:
		return "must be a multiple of " + ratText(k.Want) + this, ""
	case *kind.Pattern:
		return "must match the pattern " + k.Want + this, ""
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %s%s", plural(k.Want, "character"), this), ""
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %s%s", plural(k.Want, "character"), this), ""
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %s; it has %d", plural(k.Want, "item"), k.Got), ""
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %s; it has %d", plural(k.Want, "item"), k.Got), ""
	case *kind.MinProperties:
		return fmt.Sprintf("must have at least %s; it has %d", plural(k.Want, "key"), k.Got), ""
	case *kind.MaxProperties:
		return fmt.Sprintf("must have at most %s; it has %d", plural(k.Want, "key"), k.Got), ""
	case *kind.Required:
		return "must have the key " + strings.Join(quotedAll(k.Missing), " and "), ""
	case *kind.DependentRequired:
		return fmt.Sprintf("must have the key %s, because it has %q", strings.Join(quotedAll(k.Missing), " and "), k.Prop), ""
	case *kind.UniqueItems:
		return fmt.Sprintf("must not have an item twice: those at %d and %d are the same", k.Duplicates[0], k.Duplicates[1]), ""
	case *kind.FalseSchema:
		return "is not allowed", ""
	case *kind.Format:
		return fmt.Sprintf("must be a valid %s%s", k.Want, this), ""
	case *kind.AnyOf, *kind.OneOf:
		return alternatives(v, value), ""
	case *kind.Not:
		return "must not be like that, as the schema's \"not\" says" + this, ""
	}
	alone := jsonschema.ValidationError{SchemaURL: v.SchemaURL, ErrorKind: v.ErrorKind}
	return "is not what the schema says: " + alone.BasicOutput().Error.String(), ""
}

// alternatives says what each alternative wants.
func alternatives(v *jsonschema.ValidationError, value manifest.Value) string {
	if len(v.Causes) == 0 {
		return "must fit exactly one of the schema's alternatives, and fits several"
	}
	var wants []string
	for _, leaf := range v.Causes {
		for _, l := range leavesOf(leaf) {
			text, _ := sentence(l, value)
			text, _, _ = strings.Cut(text, "; this is")
			if below := l.InstanceLocation[min(len(v.InstanceLocation), len(l.InstanceLocation)):]; len(below) > 0 {
				text = nameOf(below) + " " + text
			}
			if !slices.Contains(wants, text) {
				wants = append(wants, text)
			}
		}
	}
	return "fits none of the schema's alternatives: it " + strings.Join(wants, ", or ")
}

// kinds are the kinds of values by JSON Schema's names of types.
var kinds = map[string]manifest.Kind{
	"null": manifest.Null, "boolean": manifest.Bool, "integer": manifest.Int, "number": manifest.Float,
	"string": manifest.String, "array": manifest.List, "object": manifest.Map,
}

func typeNames(types []string) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t
		if k, known := kinds[t]; known {
			names[i] = k.String()
		}
	}
	return names
}

// didYouMeanOnly is a hint where a word is near, and none where no word is.
func didYouMeanOnly(word string, known []any) string {
	var words []string
	for _, k := range known {
		if s, ok := k.(string); ok {
			words = append(words, s)
		}
	}
	if near := problem.Nearest(word, words); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

func texts(values []any) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = jsonText(v)
	}
	return list
}

func jsonText(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

func ratText(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return fmt.Sprint(f)
}

func quotedAll(list []string) []string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return quoted
}

// orList is a, b or c.
func orList(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
