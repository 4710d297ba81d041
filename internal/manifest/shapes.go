package manifest

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
)

// role is what an entry of a map is to an image that is split over entries.
type role int

const (
	noRole role = iota
	registryRole
	repositoryRole
	tagRole
	digestRole
)

// splitKey is a key that an entry of a split image goes by.
type splitKey struct {
	Key  string
	role role
}

// splitKeys are the keys of split images. Of keys with one role in one map, the
// first of the table counts. Images, SetImages and docs/images.md all follow it.
var splitKeys = []splitKey{
	{"registry", registryRole},
	{"repository", repositoryRole},
	{"baseImage", repositoryRole},
	{"image", repositoryRole},
	{"name", repositoryRole},
	{"tag", tagRole},
	{"newTag", tagRole},
	{"version", tagRole},
	{"digest", digestRole},
	{"sha", digestRole},
}

// Shape is one form in which a file holds an image. The list of them is what
// docs/images.md shows.
type Shape struct {
	Name    string
	Rule    string // in Markdown
	File    string // the name of the example's file; "" is any
	Example string // YAML that holds example.com/api:v1 in this form, and nothing else of it
	Field   string // the path that it takes to find it; "" needs none
}

// Shapes returns the forms in which a file holds an image.
func Shapes() []Shape {
	return []Shape{
		{
			Name:    "A reference under `" + imageKey + "`",
			Rule:    "A scalar under the key `" + imageKey + "`, at any depth: containers, Argo Workflows, Tekton, Rollouts, custom resources, values.",
			Example: "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - name: api\n          image: example.com/api:v1\n",
		},
		{
			Name:    "A volume",
			Rule:    "`" + imageKey + "." + referenceKey + "`, an image as a volume: of a pod, or of a custom resource that makes one.",
			Example: "kind: Pod\nspec:\n  volumes:\n    - name: model\n      image: {reference: \"example.com/api:v1\"}\n",
		},
		{
			Name: "A map of repository and tag",
			Rule: "A map with a repository and a tag. The repository is the strongest of " + keysOf(repositoryRole) + ", behind `registry` where there is one; the tag is " + keysOf(tagRole) +
				", and may hold `TAG@DIGEST`; the digest is " + keysOf(digestRole) + ". `" + nameKey + "` with `" + versionKey + "` counts only under `" + imageKey + "` or `" + imagesKey +
				"`, or where the name has a `/`. A map without a tag key is no image. A digest that no longer holds is emptied.",
			File:    "values.yaml",
			Example: "api:\n  image:\n    registry: example.com\n    repository: api\n    tag: v1\n    digest: \"\"\nworker: {baseImage: example.com/api, version: v1}\n",
		},
		{
			Name: "A kustomization",
			Rule: "`" + imagesKey + "` of a kustomization, of a Flux Kustomization, and below a key `" + kustomizeKey + "` (a HelmRelease's post renderer): `" + newNameKey + "`, else `" + nameKey +
				"`, is the repository. An entry without `" + newTagKey + "` gets one; nothing else is added.",
			File:    "kustomization.yaml",
			Example: "images:\n  - name: api\n    newName: example.com/api\n    newTag: v1\n  - name: example.com/api\n",
		},
		{
			Name:    "Argo CD's strings",
			Rule:    "`" + kustomizeKey + "." + imagesKey + "` of an Argo CD Application, and of the files `.argocd-source-….yaml`: `newName:tag`, or `name=newName:tag`.",
			Example: "kind: Application\nspec:\n  source:\n    kustomize:\n      images:\n        - api=example.com/api:v1\n",
		},
		{
			Name: "A marked scalar",
			Rule: "A scalar with a comment behind it that is exactly `" + MarkerPrefix + " REPOSITORY`. It is the tag, `TAG@DIGEST`, or the whole reference of that repository. " +
				"The comment stands behind the only value that ends on its line, or on the first line of a block of text. Behind anything else it is an error; on a line of its own it marks nothing, and the run says so.",
			Example: "metadata:\n  labels:\n    app.kubernetes.io/version: \"v1\" # tagbump: example.com/api\nspec:\n  chart: api\n  targetRevision: v1 # tagbump: example.com/api\n",
		},
		{
			Name: "What a path leads to",
			Rule: "What `--field PATH` names: a reference, a string such as `--flag=REFERENCE` or `name=REFERENCE`, or a map of a repository, which gets a tag if it has none. " +
				"A path starts at a document's root. `*` is any key, `[*]` any item, `[name=api]` the items of that name, `**` any depth. A path that leads to no value in any file is an error.",
			Example: "kind: Deployment\nspec:\n  args:\n    - --worker=example.com/api:v1\n",
			Field:   "spec.args[*]",
		},
	}
}

// keysOf returns the keys of a role, the strongest first, in Markdown.
func keysOf(r role) string {
	var keys []string
	for _, k := range splitKeys {
		if k.role == r {
			keys = append(keys, "`"+k.Key+"`")
		}
	}
	return strings.Join(keys, ", ")
}

// Keys of other shapes.
const (
	imageKey     = "image"
	nameKey      = "name"
	newNameKey   = "newName"
	newTagKey    = "newTag"
	tagKey       = "tag"
	versionKey   = "version"
	digestKey    = "digest"
	shaKey       = "sha"
	imagesKey    = "images"
	kustomizeKey = "kustomize"
	volumesKey   = "volumes"
	referenceKey = "reference"
	statusKey    = "status"
)

// isImageKey reports whether an image, or a part of one, goes by a key. A name alone is none.
func isImageKey(key string) bool {
	return key != nameKey && splitRank(key) >= 0 || key == newNameKey || key == referenceKey || key == imagesKey
}

// isShapeKey reports whether a key decides, with those beside and below it, what is an image or
// an object.
func isShapeKey(key string) bool {
	switch key {
	case nameKey, kustomizeKey, volumesKey, statusKey, "apiVersion", "kind", "items", "namespace":
		return true
	}
	return isImageKey(key) || containerLists[key]
}

// ShapeWords are words of which each file that holds an image has at least one, if
// no escape hides it.
var ShapeWords = [][]byte{[]byte("image"), []byte("Image"), []byte("tag"), []byte("Tag"), []byte("version"), []byte("digest")}

// entries are the entries of a map that make an image, by role, nil where there is
// none, with their keys.
type entries struct {
	registry, repository, tag, digest *yaml.Node
	repositoryKey, tagKey, digestKey  string
	newName                           *yaml.Node
}

// entriesOf finds the entries of a split image among those of a map. An entry that
// says nothing (null, or empty) is no repository, and may still be a tag.
func entriesOf(list []field) (e entries, some bool) {
	for _, f := range list {
		key := resolved(f.key).Value
		if key == newNameKey {
			e.newName = resolved(f.value)
			continue
		}
		rank := splitRank(key)
		if rank < 0 {
			continue
		}
		value := resolved(f.value)
		switch k := splitKeys[rank]; k.role {
		case registryRole:
			e.registry = value
		case repositoryRole:
			if saysNothing(value) || key == imageKey && value.Kind != yaml.ScalarNode {
				continue // the image is in the map below, or there is none
			}
			if e.repository == nil || rank < splitRank(e.repositoryKey) {
				e.repository, e.repositoryKey = value, key
			}
		case tagRole:
			if e.tag == nil || rank < splitRank(e.tagKey) {
				e.tag, e.tagKey = value, key
			}
		case digestRole:
			if e.digest == nil || rank < splitRank(e.digestKey) {
				e.digest, e.digestKey = value, key
			}
		}
	}
	return e, e.repository != nil || e.newName != nil
}

// areScalars reports whether all entries that are there are scalars.
func (e entries) areScalars() bool {
	for _, n := range []*yaml.Node{e.registry, e.repository, e.newName, e.tag, e.digest} {
		if n != nil && n.Kind != yaml.ScalarNode {
			return false
		}
	}
	return true
}

// pinned reports whether there is a digest beside a repository that has none itself.
func (e entries) pinned() bool {
	digest, _ := entryText(e.digest)
	if digest == "" {
		return false
	}
	ref, err := image.ParseRepository(e.repository.Value)
	return err == nil && ref.Digest == ""
}

// splitRank returns the place of a key in the table, -1 where it has none.
func splitRank(key string) int {
	for i := range splitKeys {
		if splitKeys[i].Key == key {
			return i
		}
	}
	return -1
}

func saysNothing(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.Tag == yaml.NodeTagNull || n.Value == "")
}

// entryText returns the text of a scalar, "" where it is null; ok is false for other
// nodes. A node that is not there says "".
func entryText(n *yaml.Node) (text string, ok bool) {
	switch {
	case n == nil || n.Kind == yaml.ScalarNode && n.Tag == yaml.NodeTagNull:
		return "", true
	case n.Kind != yaml.ScalarNode:
		return "", false
	}
	return n.Value, true
}

// needsPath reports whether the entries are an image only if the name has a "/". Else they
// are a chart dependency, or labels.
func (e entries) needsPath(parentKey string) bool {
	return e.repositoryKey == nameKey && e.tagKey == versionKey && parentKey != imageKey && parentKey != imagesKey
}

// split reads a map's entries as an image. ParentKey is the key that the map, or
// the list that it is in, stands under. A map without a tag key is read too: see
// parts.bare.
func (e entries) split(n *yaml.Node, parentKey string) (ref image.Ref, p parts, ok bool) {
	name, _ := entryText(e.repository)
	if e.needsPath(parentKey) && !strings.Contains(name, "/") {
		return ref, p, false
	}
	registry, isText := entryText(e.registry)
	if !isText {
		return ref, p, false
	}
	if registry != "" {
		name = registry + "/" + name
	}
	ref, err := image.ParseRepository(name)
	if err != nil {
		return ref, p, false
	}
	p = parts{entries: n, registry: e.registry, name: e.repository, tag: e.tag, digest: e.digest, digestKey: e.digestKey}
	return p.read(ref)
}

// kustomize reads an entry of a kustomization's images: newName, or else name, is the
// repository, and newTag the tag, whatever other keys there are.
func (e entries) kustomize(n *yaml.Node) (ref image.Ref, p parts, ok bool) {
	p = parts{entries: n, addTag: newTagKey, name: e.newName, replaces: lookup(n, nameKey), tag: lookup(n, newTagKey), digestKey: e.digestKey}
	name, _ := entryText(e.newName)
	var err error
	if name != "" {
		ref, err = image.ParseRepository(name)
	} else {
		p.name = nil // the name that it replaces stays
		old, _ := entryText(p.replaces)
		ref, err = image.Parse(old)
		ref = ref.With("", "")
	}
	if err != nil {
		return ref, p, false
	}
	if e.digestKey == digestKey {
		p.digest = e.digest
	}
	return p.read(ref)
}

// read adds the tag and the digest of the entries to a reference; ok is false
// where they are none.
func (p parts) read(ref image.Ref) (image.Ref, parts, bool) {
	tag, isTag := entryText(p.tag)
	digest, isDigest := entryText(p.digest)
	if !isTag || !isDigest {
		return ref, p, false
	}
	if p.digestKey == shaKey && digest != "" && !strings.Contains(digest, ":") {
		digest = shaPrefix + digest
	}
	inTag := ""
	if tag != "" {
		var ok bool
		if tag, inTag, ok = image.SplitTag(tag); !ok {
			return ref, p, false
		}
	}
	if digest == "" {
		digest = inTag
	}
	return ref.With(tag, digest), p, true
}

const shaPrefix = "sha256:"
