// Package bump edits the images in a set of files: a pure function from files to
// files. A Selection is what the flags say; it is resolved once into a Request,
// and Edit applies the Request to files, wherever they come from.
package bump

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// Request is what is asked of a bump: which images, and what they are to run.
type Request struct {
	Query
	Tag    string // "" where Digest alone is to be written; one of the two must be given
	Digest string // "sha256:…"; "" drops one that is there
	Expect int    // how many images must be found; 0 is at least one of each target

	kept map[string]bool // see Keep
}

// Keep has the images with a reference stay as they are: Edit finds them, and does not change
// them.
func (r *Request) Keep(ref image.Ref) {
	if r.kept == nil {
		r.kept = map[string]bool{}
	}
	r.kept[ref.String()] = true
}

// Version returns what is to run, for people: the tag, or else the digest.
func (r *Request) Version() string {
	return cmp.Or(r.Tag, r.Digest)
}

// next returns what an image becomes.
func (r *Request) next(ref image.Ref) image.Ref {
	if r.kept[ref.String()] {
		return ref
	}
	t := r.Target(ref)
	if t.Rename.Name != "" && ref.Repository() != t.Rename.Repository() {
		ref = t.Rename
	}
	if t.Digest != "" {
		return ref.With(r.Tag, t.Digest)
	}
	return ref.With(r.Tag, r.Digest)
}

// ResolveDigests asks for the digest of the tag in each target's repository, so
// that both are written. Lookup returns the digest of a reference.
func (r *Request) ResolveDigests(ctx context.Context, lookup func(ctx context.Context, ref string) (digest string, err error)) error {
	for i := range r.Targets {
		t := &r.Targets[i]
		digest, err := lookup(ctx, t.next().With(r.Tag, "").String())
		if err != nil {
			return err
		}
		t.Digest = digest
	}
	return nil
}

// Validate checks what can be checked without files.
func (r *Request) Validate() error {
	var problems problem.List
	switch {
	case r.Env == "":
		problems.Add(problem.New("pass --env dev", "--env is missing"))
	case r.Env != path.Base(r.Env) || strings.HasPrefix(r.Env, ".") || strings.ContainsRune(r.Env, '\\'):
		problems.Add(problem.New("it is the name of a folder, such as dev", "--env %q is not a valid environment name", r.Env))
	}
	if r.Tag == "" && r.Digest == "" {
		problems.Add(problem.New(`pass --tag "$GITHUB_SHA"; is the variable set?`, "--tag is missing or empty"))
	}
	if r.Tag != "" && !image.ValidTag(r.Tag) {
		problems.Add(problem.New("letters, digits, _, . and -, at most 128, and no . or - first", "--tag %q is not a valid tag", r.Tag))
	}
	if r.Digest != "" && !image.ValidDigest(r.Digest) {
		problems.Add(problem.New("sha256: and 64 hexadecimal digits", "--digest %q is not a valid digest", r.Digest))
	}
	if r.Expect < 0 {
		problems.Add(problem.New("", "--expect must not be negative"))
	}
	problems.Add(r.Narrowing.Validate())
	seen := map[string]bool{}
	for _, name := range r.names() {
		if seen[name.Repository()] {
			problems.Add(problem.New("name each once", "the repository %s is named twice", name.Name))
		}
		seen[name.Repository()] = true
	}
	return problems.Err()
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

// checkRenames refuses renames that would do nothing: their old name is no target's, or has
// another rename.
func (r *Request) checkRenames(renames []string) error {
	var problems problem.List
	seen := map[string]bool{}
	for _, rename := range renames {
		from, _, err := parseRename(rename)
		problems.Add(err)
		if seen[from.Repository()] {
			problems.Add(problem.New("name each repository before = once", "--rename moves %s twice", from.Name))
		}
		seen[from.Repository()] = true
		if !slices.ContainsFunc(r.Targets, func(t Target) bool { return t.Repository.Repository() == from.Repository() }) {
			problems.Add(problem.New("it moves what --image or --service name: the part before = must be one of them", "--rename %s does nothing: %s is not selected", rename, from.Name))
		}
	}
	return problems.Err()
}
