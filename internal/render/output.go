package render

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

var (
	pathLine    = lazyregexp.New(`^\{\{-?\s*/\*\s*path:\s*([^*]*?)\s*\*/\s*-?\}\}[ \t]*(\n|$)`)
	pathComment = lazyregexp.New(`^\{\{-?\s*/\*\s*path:`)
	pathName    = lazyregexp.New(`\{[^{}]*\}?|\}`)
)

// pathNames are the names that the path line of a scope's templates may have in braces.
var pathNames = map[string][]string{
	"environment":  {"env", "name"},
	"team":         {"env", "team", "name"},
	"service":      {"env", "service", "name"},
	"user":         {"env", "user", "team", "name"},
	"user-service": {"env", "user", "team", "service", "name"},
}

// readOutput reads a template's path line, {{/* path: {service}/{name}.yaml */}}: where
// its files go, below the environment's folder of manifests.
func (s *source) readOutput(scope string, problems *problem.List) {
	line := pathLine.FindStringSubmatch(s.text)
	wrong := func(hint, format string, args ...any) {
		p := problem.At(problem.Place{File: s.file, Line: 1}, hint, format, args...).WithCode(problem.Misplaced)
		p.Source = s.line(1)
		problems.Add(p)
	}
	const example = "write a first line such as {{/* path: {service}/{service}-{name}.yaml */}}"
	switch {
	case line == nil && pathComment.MatchString(s.text):
		wrong(example, "this path line cannot be read")
		return
	case line == nil:
		return
	case pathNames[scope] == nil:
		wrong("write it into the templates that use this one", "a shared template has no path of its own")
		return
	}
	var ends string
	line[1], ends, _ = strings.Cut(line[1], ";")
	line[1] = strings.TrimSpace(line[1])
	switch key, value, _ := strings.Cut(ends, ":"); {
	case ends == "":
	case strings.TrimSpace(key) == "ends" && strings.TrimSpace(value) == "exact":
		s.exact = true
	default:
		wrong("behind the path, a ; may only be followed by ends: exact", "this path line cannot be read")
		return
	}
	known := pathNames[scope]
	for _, name := range pathName.FindAllString(line[1], -1) {
		if word := strings.Trim(name, "{}"); !slices.Contains(known, word) || name != "{"+word+"}" {
			wrong(problem.DidYouMean(word, known), "the scope %s has no %s", scope, name)
			return
		}
	}
	plain := pathName.ReplaceAllString(line[1], "x")
	switch {
	case !fs.ValidPath(plain) || plain == "." || strings.ContainsAny(plain, "\\\x00"):
		wrong("write a path below the environment's folder of manifests, without ..", "invalid path %q", line[1])
	case path.Ext(plain) != ".yaml" && path.Ext(plain) != ".yml":
		wrong("end it in .yaml", "the path %q is not that of a YAML file", line[1])
	default:
		s.output = line[1]
	}
}

// path returns where the file goes that a template makes for a subject, below the
// output folder.
func (s *subject) path(t *source) string {
	if t.output == "" {
		return path.Join(s.root, s.folder, s.prefix+"-"+t.name+".yaml")
	}
	names := []string{"{env}", s.env, "{name}", t.name}
	switch d := s.data.(type) {
	case *serviceScope:
		names = append(names, "{service}", d.Service.Name)
	case *teamScope:
		names = append(names, "{team}", d.Team.Name)
	case *userScope:
		names = append(names, "{user}", d.User.Name, "{team}", d.Team.Name)
	case *userServiceScope:
		names = append(names, "{user}", d.User.Name, "{team}", d.Team.Name, "{service}", d.Service.Name)
	}
	return path.Join(s.root, strings.NewReplacer(names...).Replace(t.output))
}
