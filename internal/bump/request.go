// Package bump edits the images in a set of files: a pure function from files to
// files. A Selection is what the flags say; it is resolved once into a Request,
// and Edit applies the Request to files, wherever they come from.
package bump

import (
	"path"
	"slices"
	"strings"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Request is what is asked of a bump: which images, and what they are to run.
type Request struct {
	Env     string
	Targets []Target
	Tag     string // "" keeps none: then Digest must be given
	Digest  string // "sha256:…"; "" drops one that is there
	Fields  []manifest.Path
	Expect  int // how many images must be found; 0 is at least one of each target

	kept map[string]bool // references that stay as they are
}

// keep has a reference stay as it is.
func (r *Request) Keep(ref image.Ref) {
	if r.kept == nil {
		r.kept = map[string]bool{}
	}
	r.kept[ref.String()] = true
}

// version is what is to run, for people.
func (r *Request) Version() string {
	if r.Tag == "" {
		return r.Digest
	}
	return r.Tag
}

// Target is a repository, and the one that it is renamed to.
type Target struct {
	Repository image.Ref
	Rename     image.Ref // the zero Ref where it keeps its name

	Service string // of users.yaml; "" where the repository was named instead
	Source  string // the GitHub repository that it is built from, owner/name; "" where unknown
}

// Name is the target as people call it: the service, or the end of the repository.
func (t Target) Name() string {
	if t.Service != "" {
		return t.Service
	}
	return t.Repository.Base()
}

// File is a file of an environment.
type File struct {
	Path string // below the k8s repo's top
	Data []byte
}

// Dir is the folder that an environment's manifests are in. Nothing outside of it
// is ever written.
func (r *Request) Dir() string { return path.Join(r.Env, "manifests") }

// IsManifest tells whether a file is looked at, by its name.
func IsManifest(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return path.Base(name) == "Kustomization"
}

// names are the repositories that are looked for, new names too: an image that
// was renamed before is found again.
func (r *Request) names() []image.Ref {
	var names []image.Ref
	for _, t := range r.Targets {
		names = append(names, t.Repository)
		if t.Rename.Name != "" {
			names = append(names, t.Rename)
		}
	}
	return names
}

// target is the target of a repository, nil where it is none's.
func (r *Request) Target(ref image.Ref) *Target {
	for i := range r.Targets {
		t := &r.Targets[i]
		if ref.Repository() == t.Repository.Repository() || t.Rename.Name != "" && ref.Repository() == t.Rename.Repository() {
			return t
		}
	}
	return nil
}

// next is what an image becomes.
func (r *Request) next(ref image.Ref) image.Ref {
	if r.kept[ref.String()] {
		return ref
	}
	t := r.Target(ref)
	if t.Rename.Name != "" && ref.Repository() != t.Rename.Repository() {
		ref = t.Rename
	}
	return ref.With(r.Tag, r.Digest)
}

// Validate checks what can be checked without files.
func (r *Request) Validate() error {
	var problems problem.List
	switch {
	case r.Env == "":
		problems.Add(problem.New("say --env dev", "--env is missing"))
	case r.Env != path.Base(r.Env) || strings.HasPrefix(r.Env, ".") || strings.ContainsRune(r.Env, '\\'):
		problems.Add(problem.New("it is the name of a folder, such as dev", "--env %q cannot be an environment", r.Env))
	}
	if r.Tag == "" && r.Digest == "" {
		problems.Add(problem.New(`say --tag "$GITHUB_SHA"; and is the variable set?`, "--tag is missing, or empty"))
	}
	if r.Tag != "" && !image.ValidTag(r.Tag) {
		problems.Add(problem.New("letters, digits, _, . and -, at most 128, and no . or - first", "--tag %q cannot be a tag", r.Tag))
	}
	if r.Digest != "" && !image.ValidDigest(r.Digest) {
		problems.Add(problem.New("sha256: and 64 hexadecimal digits", "--digest %q cannot be a digest", r.Digest))
	}
	if r.Expect < 0 {
		problems.Add(problem.New("", "--expect must not be negative"))
	}
	seen := map[string]bool{}
	for _, name := range r.names() {
		if seen[name.Repository()] {
			problems.Add(problem.New("name each once", "the repository %s is named twice", name.Name))
		}
		seen[name.Repository()] = true
	}
	return problems.Err()
}

func SortFiles(files []File) []File {
	return slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// ParseTarget reads --image, and the --rename that goes with it: OLD=NEW.
func ParseTarget(repository string, renames []string) (Target, error) {
	ref, err := image.ParseRepository(repository)
	if err != nil {
		return Target{}, problem.New("", "%v", err)
	}
	t := Target{Repository: ref}
	for _, rename := range renames {
		old, to, err := parseRename(rename)
		if err != nil {
			return Target{}, err
		}
		if old.Repository() == ref.Repository() {
			t.Rename = to
		}
	}
	return t, nil
}

func parseRename(rename string) (from, to image.Ref, err error) {
	before, after, ok := strings.Cut(rename, "=")
	from, err1 := image.ParseRepository(before)
	to, err2 := image.ParseRepository(after)
	if !ok || err1 != nil || err2 != nil {
		return from, to, problem.New("write OLD=NEW, both repositories without tags", "--rename %q cannot be read", rename)
	}
	return from, to, nil
}

// checkRenames finds the renames that would do nothing, as no target has their
// old name.
func (r *Request) checkRenames(renames []string) error {
	var problems problem.List
	for _, rename := range renames {
		from, _, err := parseRename(rename)
		problems.Add(err)
		if !slices.ContainsFunc(r.Targets, func(t Target) bool { return t.Repository.Repository() == from.Repository() }) {
			problems.Add(problem.New("it moves what --image or --service name: the part before = must be one of them", "--rename %s does nothing: %s is not asked for", rename, from.Name))
		}
	}
	return problems.Err()
}
