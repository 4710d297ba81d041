package adopt

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

// Layout says where the copies of manifests are: {env}/manifests/{service}.
type Layout struct {
	text     string
	elements []string
}

// ParseLayout reads a path with {env} in it, and {service} where each service has a
// folder of its own. One element holds each of them at most once.
func ParseLayout(text string) (Layout, error) {
	const hint = "write it as in --path '{env}/manifests/{service}'"
	clean := path.Clean(text)
	plain := strings.NewReplacer("{env}", "x", "{service}", "x").Replace(clean)
	switch {
	case text == "":
		return Layout{}, problem.New(hint, "--path is missing")
	case !strings.Contains(text, "{env}"):
		return Layout{}, problem.New(hint, "--path %q has no {env}", text)
	case strings.ContainsAny(plain, "{}*\\\x00") || !fs.ValidPath(plain):
		return Layout{}, problem.New(hint+": a folder below the k8s repo's root, with {env} and {service} and nothing else in braces", "--path %q is not valid", text)
	}
	elements := strings.Split(clean, "/")
	for _, e := range elements {
		if strings.Count(e, "{env}") > 1 || strings.Count(e, "{service}") > 1 {
			return Layout{}, problem.New(hint, "--path %q has a name twice in %s", text, e)
		}
	}
	return Layout{clean, elements}, nil
}

// hasService reports whether each service has a folder of its own.
func (l Layout) hasService() bool { return strings.Contains(l.text, "{service}") }

// path returns the path: of an environment. Where services come first, each has a folder of its
// own there.
func (l Layout) path(env string) string {
	var list []string
	for _, e := range l.elements {
		if strings.Contains(e, "{service}") {
			break
		}
		list = append(list, e)
	}
	root := strings.Join(list, "/")
	if !strings.Contains(root, "{env}") {
		root = l.text
	}
	return strings.ReplaceAll(root, "{env}", env)
}

// servicesFirst reports whether the folders of an environment's services have no folder in
// common that is the environment's alone.
func (l Layout) servicesFirst() bool { return strings.Contains(l.path("x"), "{service}") }

// below returns a file's path below what path leads to.
func (l Layout) below(f folder, name string) string {
	return strings.TrimPrefix(name, inventory.ServiceFolder(l.path(f.env), f.service)+"/")
}

// isOpen reports whether a folder's name holds both names, as in {service}-{env}: it can only
// be split where the environments' names are known.
func (l Layout) isOpen() bool {
	return slices.ContainsFunc(l.elements, func(e string) bool { return strings.Contains(e, "{service}") && strings.Contains(e, "{env}") })
}

// folder is a folder that a layout leads to.
type folder struct {
	cell
	dir string
}

const label = `[a-z0-9](?:[a-z0-9-]*[a-z0-9])?`

// folders finds the folders of a layout, sorted. Envs are the environments that may be
// meant; nil for any.
func (l Layout) folders(fsys fs.FS, envs []string) ([]folder, error) {
	found := []folder{{dir: "."}}
	for _, e := range l.elements {
		var next []folder
		for _, f := range found {
			if !strings.Contains(e, "{") {
				next = append(next, folder{f.cell, path.Join(f.dir, e)})
				continue
			}
			below, err := f.matching(fsys, e, envs)
			if err != nil {
				return nil, err
			}
			next = append(next, below...)
		}
		found = next
	}
	found = slices.DeleteFunc(found, func(f folder) bool {
		info, err := fs.Stat(fsys, f.dir)
		return err != nil || !info.IsDir()
	})
	return found, nil
}

// matching returns the folders in a folder that an element of a layout stands for.
func (f folder) matching(fsys fs.FS, element string, envs []string) ([]folder, error) {
	entries, err := fs.ReadDir(fsys, f.dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, inventory.ErrLink) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	env := label
	if envs != nil {
		names := make([]string, len(envs))
		for i, e := range envs {
			names[i] = regexp.QuoteMeta(e)
		}
		env = strings.Join(names, "|")
	}
	pattern := regexp.QuoteMeta(element)
	pattern = strings.Replace(pattern, `\{env\}`, "(?P<env>"+env+")", 1)
	pattern = strings.Replace(pattern, `\{service\}`, "(?P<service>"+label+")", 1)
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	re.Longest()
	var list []folder
	for _, entry := range entries {
		m := re.FindStringSubmatch(entry.Name())
		if m == nil || !entry.IsDir() || f.dir == "." && inventory.IsInput(entry.Name()+"/x") {
			continue
		}
		next := folder{f.cell, path.Join(f.dir, entry.Name())}
		if bind(&next.env, m, re.SubexpIndex("env")) && bind(&next.service, m, re.SubexpIndex("service")) {
			list = append(list, next)
		}
	}
	return list, nil
}

// bind notes the name that a part of a path stands for. It returns false where an element
// before has another name.
func bind(to *string, match []string, group int) bool {
	if group < 0 {
		return true
	}
	if *to != "" && *to != match[group] {
		return false
	}
	*to = match[group]
	return true
}

// outputPattern returns a path below an environment's folder, with names in braces.
func outputPattern(below string, c cell) string {
	list := strings.Split(below, "/")
	for i := range list {
		if c.service != "" {
			list[i] = replaceWhole(list[i], c.service, "{service}")
		}
		if !strings.Contains(c.env, "service") {
			list[i] = replaceWhole(list[i], c.env, "{env}")
		}
	}
	return strings.Join(list, "/")
}

// scopePath returns the pattern of the paths that a scope has without a path line.
func (l Layout) scopePath(scope, name string) string {
	switch {
	case scope == "environment":
		return "{env}-" + name + ".yaml"
	case l.servicesFirst():
		return "{service}-{env}-" + name + ".yaml"
	}
	return "{service}/{service}-{env}-" + name + ".yaml"
}

var notInName = lazyregexp.New(`[^a-z0-9.]+`)

// templateName returns a name for the template of a pattern.
func templateName(pattern string) string {
	text := strings.TrimSuffix(strings.TrimSuffix(pattern, ".yaml"), ".yml")
	text = strings.NewReplacer("{service}", "-", "{env}", "-").Replace(text)
	return strings.Trim(notInName.ReplaceAllString(strings.ToLower(text), "-"), "-.")
}
