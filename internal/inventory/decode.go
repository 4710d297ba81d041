package inventory

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// report adds a problem at a place.
func (l *loader) report(code problem.Code, place problem.Place, hint, format string, args ...any) {
	l.problems.Add(problem.At(place, hint, format, args...).WithCode(code))
}

// keys reads a map: each key's reader is called with its value. A key that has
// none is a problem. What tells people which map this is. Whole is false where
// there was a problem with the map or its keys, so that what is missing in it may
// be what was misspelt.
func (l *loader) keys(v manifest.Value, what string, readers map[string]func(manifest.Value)) (whole bool) {
	if v.Kind != manifest.Map {
		l.report(problem.WrongType, v.Place, "its keys are "+strings.Join(sortedKeys(readers), ", "), "%s must be a map, not %s", what, v.Kind)
		return false
	}
	whole = true
	for _, f := range v.Fields {
		if read, known := readers[f.Key.Text]; known {
			read(f.Value)
			continue
		}
		l.report(problem.UnknownKey, f.Key.Place, problem.DidYouMean(f.Key.Text, sortedKeys(readers)), "unknown key %q in %s", f.Key.Text, what)
		whole = false
	}
	return whole
}

// some reads those keys of a map that have readers, and looks at no other.
func (l *loader) some(v manifest.Value, readers map[string]func(manifest.Value)) {
	for _, f := range v.Fields {
		if read, wanted := readers[f.Key.Text]; wanted {
			read(f.Value)
		}
	}
}

// require reports a key that a map does not have.
func (l *loader) require(v manifest.Value, key, hint, format string, args ...any) {
	if _, given := v.Get(key); !given {
		l.report(problem.MissingKey, v.Place, hint, format, args...)
	}
}

// items reads a list: read is called with each item. Nothing at all is an empty list.
func (l *loader) items(v manifest.Value, what string, read func(manifest.Value)) {
	switch v.Kind {
	case manifest.Null:
	case manifest.List:
		for _, item := range v.Items {
			read(item)
		}
	default:
		l.report(problem.WrongType, v.Place, rewrite(v, manifest.List), "%s must be a list, not %s", what, v.Kind)
	}
}

// text reads a string. A number is taken as it is written: a tag may be 1234567,
// and a version 1.30.
func (l *loader) text(v manifest.Value, what string) string {
	switch v.Kind {
	case manifest.String, manifest.Int, manifest.Float:
		return v.Text
	case manifest.Null:
		l.report(problem.WrongType, v.Place, "", "%s is empty", what)
	default:
		l.report(problem.WrongType, v.Place, rewrite(v, manifest.String), "%s must be a string, not %s", what, v.Kind)
	}
	return ""
}

func (l *loader) textTo(to *string, what string) func(manifest.Value) {
	return func(v manifest.Value) { *to = l.text(v, what) }
}

// texts reads a list of strings.
func (l *loader) texts(to *[]string, what string) func(manifest.Value) {
	return func(v manifest.Value) {
		*to = nil
		l.items(v, what, func(item manifest.Value) { *to = append(*to, l.text(item, "an item of "+what)) })
	}
}

func (l *loader) boolean(to *bool, what string) func(manifest.Value) {
	return func(v manifest.Value) {
		if v.Kind != manifest.Bool {
			l.report(problem.WrongType, v.Place, rewrite(v, manifest.Bool), "%s must be true or false", what)
			return
		}
		*to = v.Go() == true
	}
}

// matching reads a string that must match a pattern; rule says it in words.
func (l *loader) matching(to *string, what string, pattern *regexp.Regexp, rule string) func(manifest.Value) {
	return func(v manifest.Value) {
		if *to = l.text(v, what); *to != "" && !pattern.MatchString(*to) {
			l.report(problem.NotValid, v.Place, rule, "%s %q is not valid", what, *to)
		}
	}
}

// oneOf reads a string that must be one of a few.
func (l *loader) oneOf(to *string, what string, choices ...string) func(manifest.Value) {
	return func(v manifest.Value) {
		is := v.Kind.String()
		if v.Kind == manifest.String {
			is = strconv.Quote(v.Text)
		}
		if !slices.Contains(choices, v.Text) || v.Kind != manifest.String {
			hint := ""
			if near := problem.Nearest(v.Text, choices); near != "" {
				hint = problem.DidYouMean(v.Text, choices)
			}
			l.report(problem.NotValid, v.Place, hint, "%s must be %s, not %s", what, strings.Join(choices, " or "), is)
			return
		}
		*to = v.Text
	}
}

// dayTo reads a day, such as 2027-03-31.
func (l *loader) dayTo(to *time.Time, what string) func(manifest.Value) {
	return func(v manifest.Value) {
		day, err := time.Parse(time.DateOnly, v.Text)
		if v.Kind != manifest.String || err != nil {
			l.report(problem.NotValid, v.Place, "write a day of the calendar as year-month-day, such as 2027-03-31", "%s must be a day, not %s", what, v)
			return
		}
		*to = day
	}
}

// state reads present or absent.
func (l *loader) state(absent *bool) func(manifest.Value) {
	return func(v manifest.Value) {
		text := ""
		l.oneOf(&text, "state", "present", "absent")(v)
		*absent = text == "absent"
	}
}

// secrets reads a map of environment variables to keys in the secret store.
func (l *loader) secrets(to *map[string]string) func(manifest.Value) {
	return func(v manifest.Value) {
		if v.Kind == manifest.Null {
			return
		}
		if v.Kind != manifest.Map {
			l.report(problem.WrongType, v.Place, "write {ENV_VARIABLE: path/in/the/secret/store}", "secrets must be a map, not %s", v.Kind)
			return
		}
		*to = make(map[string]string, len(v.Fields))
		for _, f := range v.Fields {
			if !envVariable.MatchString(f.Key.Text) {
				l.report(problem.NotAName, f.Key.Place, "letters, digits and _, such as API_KEY", "%q cannot be the name of an environment variable", f.Key.Text)
			}
			(*to)[f.Key.Text] = l.text(f.Value, "the key of the secret "+f.Key.Text)
		}
	}
}

// vars keeps a map of variables; checkVars looks at it when the defaults are known.
func (l *loader) vars(to *manifest.Value) func(manifest.Value) {
	return func(v manifest.Value) {
		switch v.Kind {
		case manifest.Null:
		case manifest.Map:
			l.checkVars(v)
			*to = v
		default:
			l.report(problem.WrongType, v.Place, "", "vars must be a map, not %s", v.Kind)
		}
	}
}

var (
	dnsLabel     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	dnsName      = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	envVariable  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	ownerName    = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	kindName     = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
	minorOnly    = regexp.MustCompile(`^1\.[0-9]+$`)
)

// dnsLabelRule is RFC 1123's, section 2.1, as Kubernetes has it.
const dnsLabelRule = "lower-case letters, digits and -, at most 63, with a letter or digit at both ends"

// nameTo reads a name, which becomes part of Kubernetes names, hosts and paths.
func (l *loader) nameTo(to *string, what string, reserved ...string) func(manifest.Value) {
	return func(v manifest.Value) {
		name := l.text(v, what+"'s name")
		if name == "" {
			return
		}
		if !dnsLabel.MatchString(name) {
			hint := dnsLabelRule
			if lower := strings.ReplaceAll(strings.ToLower(name), "_", "-"); dnsLabel.MatchString(lower) {
				hint = "write " + lower + " (" + dnsLabelRule + ")"
			}
			l.report(problem.NotAName, v.Place, hint, "%q cannot be a name", name)
		}
		for _, r := range reserved {
			if name == r {
				l.report(problem.NotAName, v.Place, "the folder of that name has another use; take another name", "the name %q is reserved", name)
			}
		}
		*to = name
	}
}
