package bump

import (
	"path"
	"slices"
	"strings"

	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Query says which images are meant, and in which files of one environment. An edit has one
// in its Request; Read needs no more than it.
type Query struct {
	Env     string
	Root    string          // the folder of its manifests; "" is <Env>/manifests
	Targets []Target        // none are all images
	Fields  []manifest.Path // where images are looked for too
	Narrowing

	// Unscreened has Mentions keep every file, for fields that lead to a value in a
	// file that does not mention a target.
	Unscreened bool
}

// Target is a repository to look for, and the one that it is renamed to.
type Target struct {
	Repository image.Ref
	Rename     image.Ref // the zero Ref where it keeps its name
	Digest     string    // of the new tag, by Request.ResolveDigests; "" is the Request's

	Service string // of users.yaml; "" where the repository was named instead
	Source  string // the GitHub repository that it is built from, owner/name; "" where unknown
}

// Name returns the target as people call it: the service, or the end of the repository.
func (t Target) Name() string {
	if t.Service != "" {
		return t.Service
	}
	return t.Repository.Base()
}

// next returns the repository that the target is to have.
func (t Target) next() image.Ref {
	if t.Rename.Name != "" {
		return t.Rename
	}
	return t.Repository
}

// File is a file of an environment.
type File struct {
	Path string // below the k8s repo's root
	Data []byte
}

// SortFiles returns a copy of files, sorted by path.
func SortFiles(files []File) []File {
	return slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// Dir returns the folder that an environment's manifests are in. Nothing outside of it
// is ever written.
func (q *Query) Dir() string {
	if q.Root != "" {
		return inventory.Folder(q.Root)
	}
	return path.Join(q.Env, "manifests")
}

// Path returns the path of the environment's manifests as its file has it: Dir, unless the
// service's name is in it.
func (q *Query) Path() string {
	if q.Root != "" {
		return q.Root
	}
	return q.Dir()
}

// Inside reports whether a file is below the environment's folder.
func (q *Query) Inside(file string) bool {
	return inventory.InFolder(q.Path(), file)
}

// Covers reports whether a file, by its path below the k8s repo's root, is read as
// one of the environment's manifests. What people write for manifestgen and
// tagbump at the root never is, even where the environment's folder is the root.
func (q *Query) Covers(file string) bool {
	return IsManifest(file) && q.Inside(file) && !inventory.IsInput(file)
}

// IsManifest reports whether a file may be a manifest, by its name: YAML or JSON, or a
// Kustomization.
func IsManifest(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return path.Base(name) == "Kustomization"
}

// names returns the repositories that are looked for, new names too: an image that
// was renamed before is found again.
func (q *Query) names() []image.Ref {
	var names []image.Ref
	for _, t := range q.Targets {
		names = append(names, t.Repository)
		if t.Rename.Name != "" && t.Rename.Repository() != t.Repository.Repository() {
			names = append(names, t.Rename)
		}
	}
	return names
}

// Target returns the target of a repository, nil where it is none's.
func (q *Query) Target(ref image.Ref) *Target {
	for i := range q.Targets {
		t := &q.Targets[i]
		if ref.Repository() == t.Repository.Repository() || t.Rename.Name != "" && ref.Repository() == t.Rename.Repository() {
			return t
		}
	}
	return nil
}

// wants reports whether an image is one of the query's.
func (q *Query) wants(i manifest.Image) bool {
	return (len(q.Targets) == 0 || q.Target(i.Ref) != nil) && (q.Container == "" || i.Container == q.Container)
}

// Image is an image in a file.
type Image struct {
	Place problem.Place
	Where string // its place in the file, such as "Deployment default/api containers[api]"
	Ref   image.Ref
}

// Unchanged returns images as changes that change nothing.
func Unchanged(images []Image) []ImageChange {
	list := make([]ImageChange, len(images))
	for n, i := range images {
		list[n] = ImageChange{i.Place, i.Where, i.Ref, i.Ref}
	}
	return list
}

// Read returns the query's images in files, by path and place, and changes nothing.
// Problems are files that cannot be read as YAML and may hold such an image.
func (q *Query) Read(files []File) (images []Image, problems problem.List) {
	type read struct {
		images []Image
		err    error
	}
	for _, r := range forEach(SortFiles(files), func(file File) (r read) {
		if !q.Covers(file.Path) || !q.Matches(q.relative(file.Path)) {
			return r
		}
		f, found, err := q.parse(file, manifest.Scan)
		if r.err = err; f == nil || err != nil {
			return r
		}
		for _, i := range found.Images {
			if q.wants(i) {
				r.images = append(r.images, Image{i.Place, i.Where, i.Ref})
			}
		}
		return r
	}) {
		images = append(images, r.images...)
		problems.Add(r.err)
	}
	return images, problems
}

// relative returns a file's path below the environment's folder.
func (q *Query) relative(file string) string {
	if q.Dir() == "." {
		return file
	}
	return strings.TrimPrefix(file, q.Dir()+"/")
}

// parse reads a file's images with manifest.Parse or manifest.Scan. The file is nil
// where it cannot be parsed, and does not hold a target as a reference, so that it is no
// matter.
func (q *Query) parse(file File, read func(name string, data []byte) (*manifest.File, error)) (*manifest.File, *manifest.Found, error) {
	f, err := read(file.Path, file.Data)
	if err == nil {
		err = f.DuplicateKeys()
	}
	var found *manifest.Found
	if err == nil {
		found = f.Find(q.Fields...)
		err = f.LateMerge(found)
	}
	if err != nil {
		if len(q.Targets) > 0 && !q.holdsReference(file.Data) {
			return nil, nil, nil
		}
		p := *problem.All(err)[0]
		p.Hint = strings.TrimPrefix(p.Hint+"; ", "; ") + "the file holds the image, so it is not passed over: correct it, or leave it out with --skip " + quoted(q.relative(file.Path))
		p.Refused = true
		return nil, nil, &p
	}
	var problems problem.List
	for _, m := range found.WrongMarkers {
		if len(q.Targets) == 0 || m.Repository.Name == "" || q.Target(m.Repository) != nil {
			problems.Add(m.Problem)
		}
	}
	return f, found, problems.Err()
}

// quoted returns a word as a shell takes it: a path, a glob, a name.
func quoted(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
