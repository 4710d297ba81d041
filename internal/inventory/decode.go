package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// report adds a problem at a place.
func (l *loader) report(code problem.Code, place problem.Place, hint, format string, args ...any) {
	l.problems.Add(problem.At(place, hint, format, args...).WithCode(code))
}

// keys reads a map: the reader of each key is called with its value. A key that the
// shape does not have is a problem.
func (l *loader) keys(v manifest.Value, s *shape, readers map[string]func(manifest.Value)) read {
	names := slices.Sorted(slices.Values(s.names()))
	if v.Kind != manifest.Map {
		l.report(problem.WrongType, v.Place, "its keys are "+strings.Join(names, ", "), "%s must be a map, not %s", s.what, v.Kind)
		return read{isMap: false}
	}
	r := read{isMap: true}
	for _, f := range v.Fields {
		if slices.Contains(names, f.Key.Text) {
			readers[f.Key.Text](f.Value)
			continue
		}
		meant := problem.Nearest(f.Key.Text, names)
		if other := otherWords[f.Key.Text]; meant == "" && slices.Contains(names, other) {
			meant = other
		}
		hint := problem.DidYouMean(f.Key.Text, names)
		if meant != "" {
			hint = fmt.Sprintf("did you mean %q?", meant)
		}
		l.report(problem.UnknownKey, f.Key.Place, hint, "unknown key %q in %s", f.Key.Text, s.what)
		r.unknown = append(r.unknown, meant)
	}
	return r
}

// otherWords are words that people write for keys that have another name.
var otherWords = map[string]string{
	"team": "mission_type", "mission": "mission_type", "repo": "repository", "github": "repository", "version": "tag",
	"variables": "vars", "values": "vars", "env": "vars", "environment": "vars", "apps": "services", "parent": "extends", "inherits": "extends", "from": "extends",
	"k8s": "kubernetes", "host": "domain", "hostname": "domain", "scopes": "templates", "policy": "deploy", "folder": "path", "dir": "path",
	"requires": "manifestgen", "people": "users", "reviewer": "reviewers", "base": "branch",
}

// read is what came of reading a map.
type read struct {
	isMap   bool
	unknown []string // for each key that is unknown, the one that was meant; "" where none is near
}

// whole reports whether each key was known.
func (r read) whole() bool { return r.isMap && len(r.unknown) == 0 }

// some reads those keys of a map that have readers, and looks at no other.
func (l *loader) some(v manifest.Value, readers map[string]func(manifest.Value)) {
	for _, f := range v.Fields {
		if read, wanted := readers[f.Key.Text]; wanted {
			read(f.Value)
		}
	}
}

// require reports a key that a map does not have, unless another was written that
// may be meant for it.
func (l *loader) require(v manifest.Value, r read, key, hint, format string, args ...any) {
	if _, given := v.Get(key); !given && !l.partial && r.isMap && !slices.Contains(r.unknown, key) {
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
		l.report(problem.WrongType, v.Place, "write a value after the colon, or remove the line", "%s is empty", what)
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

// secretKey reads the key that a secret has in the secret store. What may be the
// secret itself is not repeated.
func (l *loader) secretKey(name string, v manifest.Value) string {
	refuse := func(hint, format string, args ...any) string {
		p := problem.At(v.Place, hint, format, args...).WithCode(problem.NotValid)
		p.Hidden = strings.Contains(v.Text, "://")
		l.problems.Add(p)
		return ""
	}
	const example = "write the key in the secret store, below the environment's name, such as api/database-url"
	switch text := l.text(v, "the key of the secret "+name); {
	case text == "" && v.Kind != manifest.String: // reported
		return ""
	case strings.TrimSpace(text) == "":
		return refuse(example, "the key of the secret %s is empty", name)
	case strings.Contains(text, "://"):
		return refuse(example+"; if this is the secret itself, it is in Git's history now: change it", "the key of the secret %s is a URL, and must be a key in the secret store, never a value", name)
	case strings.HasPrefix(text, "/"):
		return refuse("write "+strings.TrimLeft(text, "/"), "the key of the secret %s must not begin with a slash: it is below the environment's name", name)
	default:
		return text
	}
}

// matching reads a string that must match a pattern; rule says it in words.
func (l *loader) matching(to *string, what string, pattern *lazyregexp.Regexp, rule string) func(manifest.Value) {
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
		l.oneOf(&text, "state", states...)(v)
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
				l.report(problem.NotAName, f.Key.Place, "letters, digits and _, such as API_KEY", "invalid name of an environment variable: %q", f.Key.Text)
			}
			(*to)[f.Key.Text] = l.secretKey(f.Key.Text, f.Value)
		}
	}
}

var (
	dnsLabel     = lazyregexp.New(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	dnsName      = lazyregexp.New(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	envVariable  = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
	ownerName    = lazyregexp.New(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`)
	variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
	minorOnly    = lazyregexp.New(`^1\.[0-9]+$`)
)

// dnsLabelRule is RFC 1123's, section 2.1, as Kubernetes has it.
const dnsLabelRule = "lower-case letters, digits and -, at most 63, with a letter or digit at both ends"

// reservedServices are the names whose folders have another use in an environment's; those of
// environments are InputFolders.
var reservedServices = []string{"users", "teams"}

// IsName reports whether a text is a valid name of a namespace, a team or a user.
func IsName(s string) bool { return dnsLabel.MatchString(s) }

// IsServiceName reports whether a text is a valid name of a service.
func IsServiceName(s string) bool { return IsName(s) && !slices.Contains(reservedServices, s) }

// IsEnvironmentName reports whether a text is a valid name of an environment.
func IsEnvironmentName(s string) bool { return IsName(s) && !slices.Contains(InputFolders, s) }

// IsDomain reports whether a text is a valid domain of an environment.
func IsDomain(s string) bool { return dnsName.MatchString(s) }

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
			l.report(problem.NotAName, v.Place, hint, "invalid name %q", name)
		}
		for _, r := range reserved {
			if name == r {
				l.report(problem.NotAName, v.Place, "the folder of that name has another use; take another name", "the name %q is reserved", name)
			}
		}
		*to = name
	}
}
