package manifest

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// Image is an image reference in a place where Kubernetes runs it:
// containers[].image, initContainers[].image, ephemeralContainers[].image or
// volumes[].image.reference, at any depth of any object, items of a List too;
// images[] of a kustomization; and what a Path leads to.
type Image struct {
	Ref       image.Ref
	Container string // which one it is in its file, such as "Deployment default/api containers[api]"
	Place     problem.Place

	parts  parts
	shared bool               // an alias feeds the same bytes to something that is no image
	users  map[*yaml.Node]int // how many images a scalar is in, by aliases
}

// parts are the scalars that a reference is written in: whole, or in the entries
// of a map, of which some may be missing.
type parts struct {
	whole *yaml.Node
	at    int // where the reference starts in it: blanks and line breaks around one are no part of it

	entries           *yaml.Node // the map
	keys              entryKeys
	registry          *yaml.Node
	name, tag, digest *yaml.Node
}

// entryKeys are what the entries of a map are called that make a reference.
type entryKeys struct{ registry, name, tag, digest string }

var (
	helmKeys = entryKeys{"registry", "repository", "tag", "digest"}
	// A kustomization's name is what to look for, newName what to put there.
	kustomizeKeys = entryKeys{name: "newName", tag: "newTag", digest: "digest"}
)

// has tells whether an entry is one that may be changed.
func (k entryKeys) has(key string) bool {
	return key != "" && (key == k.name || key == k.tag || key == k.digest)
}

// nodes are the scalars that there are.
func (p parts) nodes() []*yaml.Node {
	var nodes []*yaml.Node
	for _, n := range []*yaml.Node{p.whole, p.registry, p.name, p.tag, p.digest} {
		if n != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// containerLists are the keys whose items have an image.
var containerLists = map[string]bool{"containers": true, "initContainers": true, "ephemeralContainers": true}

// Images are the file's images, in the order they are found in. Text in a place
// of an image that is no reference, such as $(IMAGE), is left out.
//
// The images at the ends of the paths are found too: a path leads to a reference,
// or to a map of repository and tag, as Helm's charts have it.
func (f *File) Images(paths ...Path) []Image {
	return f.images(false, paths...)
}

// images are the file's images, and if asked the unfinished ones too: those with
// a Mark for a name, or with nothing behind the colon.
func (f *File) images(unfinished bool, paths ...Path) []Image {
	var found []Image
	for _, doc := range f.docs {
		finder := imageFinder{file: f, unfinished: unfinished, known: map[*yaml.Node]bool{}, parts: map[*yaml.Node]entryKeys{},
			aliases: map[*yaml.Node]bool{}, other: map[*yaml.Node]bool{}}
		root := resolved(doc.root)
		if f.isKustomization(root) {
			finder.kustomization(root)
		}
		for _, path := range paths {
			path.walk(root, finder.field)
		}
		finder.object(root)
		if bytes.IndexByte(f.Data[doc.start:doc.end], '&') >= 0 {
			finder.keys(doc.root)
		}
		users := map[*yaml.Node]int{}
		for i := range finder.images {
			image := &finder.images[i]
			image.users = users
			for _, n := range image.parts.nodes() {
				image.shared = image.shared || finder.other[n]
				users[n]++
			}
		}
		found = append(found, finder.images...)
	}
	return found
}

type imageFinder struct {
	file       *File
	unfinished bool
	images     []Image
	known      map[*yaml.Node]bool      // scalars in a place of an image
	parts      map[*yaml.Node]entryKeys // maps whose entries make an image
	aliases    map[*yaml.Node]bool      // that lead from a place of an image to one
	other      map[*yaml.Node]bool      // scalars that an alias feeds to something that is no image
	prefix     string                   // the object's identity
}

// object walks an object, or each item of a List.
func (w *imageFinder) object(n *yaml.Node) {
	if items := lookup(n, "items"); items != nil && strings.HasSuffix(text(n, "kind"), "List") && items.Kind == yaml.SequenceNode {
		for _, f := range fields(resolved(n)) {
			if resolved(f.value) != items {
				w.walk(f.value, false)
			}
		}
		for _, item := range items.Content {
			w.object(item)
		}
		return
	}
	w.prefix = objectOf(n).String()
	w.walk(n, false)
}

// walk visits everything below n; aliased tells whether an alias led here.
func (w *imageFinder) walk(n *yaml.Node, aliased bool) {
	if n.Kind == yaml.AliasNode {
		if w.aliases[n] {
			return
		}
		n, aliased = n.Alias, true
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if aliased {
			w.other[n] = true
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			w.walk(item, aliased)
		}
	case yaml.MappingNode:
		own := ownKeys(n)
		for _, f := range fields(n) {
			if !aliased && w.parts[n].has(resolved(f.key).Value) {
				continue
			}
			// What a merge key brings comes from elsewhere, as by an alias.
			value, aliased := f.value, aliased || !own.has(f)
			list := resolved(value)
			isList := list.Kind == yaml.SequenceNode
			switch key := resolved(f.key).Value; {
			case containerLists[key] && isList:
				for i, item := range list.Content {
					w.container(item, key, "image", i, aliased || list != value)
				}
			case key == "volumes" && isList:
				for i, item := range list.Content {
					w.volume(item, i, aliased || list != value)
				}
			default:
				w.walk(value, aliased)
			}
		}
	}
}

// keys notes the keys of maps: an alias may make an image of one, and it is none.
func (w *imageFinder) keys(n *yaml.Node) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			w.other[resolved(child)] = true
		}
		w.keys(child)
	}
}

// keySet are the keys that a mapping has itself, and by no merge key; nil where it
// has no merge key, so that all are its own.
type keySet map[*yaml.Node]bool

func (k keySet) has(f field) bool { return k == nil || k[f.key] }

func ownKeys(n *yaml.Node) keySet {
	var own keySet
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == yaml.MergeTag {
			own = keySet{}
		}
	}
	for i := 0; own != nil && i+1 < len(n.Content); i += 2 {
		own[n.Content[i]] = true
	}
	return own
}

// container visits an item of a list of containers: its image, and the rest.
func (w *imageFinder) container(n *yaml.Node, list, imageKey string, i int, aliased bool) {
	item := resolved(n)
	aliased = aliased || item != n
	if item.Kind != yaml.MappingNode {
		w.walk(n, aliased)
		return
	}
	own := ownKeys(item)
	for _, f := range fields(item) {
		value := resolved(f.value)
		if resolved(f.key).Value == imageKey && value.Kind == yaml.ScalarNode {
			w.add(value, itemName(item, list, i))
			continue
		}
		w.walk(f.value, aliased || !own.has(f))
	}
}

// volume visits an item of a list of volumes: a volume may be an image.
func (w *imageFinder) volume(n *yaml.Node, i int, aliased bool) {
	item := resolved(n)
	aliased = aliased || item != n
	source := lookup(item, "image")
	if source == nil || source.Kind != yaml.MappingNode {
		w.walk(n, aliased)
		return
	}
	own, sources := ownKeys(item), ownKeys(source)
	for _, f := range fields(item) {
		if resolved(f.value) == source {
			for _, g := range fields(source) {
				if value := resolved(g.value); resolved(g.key).Value == "reference" && value.Kind == yaml.ScalarNode {
					w.add(value, itemName(item, "volumes", i))
				} else {
					w.walk(g.value, aliased || !sources.has(g))
				}
			}
			continue
		}
		w.walk(f.value, aliased || !own.has(f))
	}
}

// add adds the image of a scalar that is a whole reference.
func (w *imageFinder) add(n *yaml.Node, container string) {
	if w.known[n] {
		return
	}
	w.known[n] = true
	text, at := n.Value, 0
	if !w.unfinished {
		text = strings.Trim(n.Value, " \t\r\n") // as "image: |" leaves one
		at = strings.Index(n.Value, text)
	}
	ref, err := image.Parse(text)
	if err != nil && !(w.unfinished && (strings.Contains(text, Mark) || strings.HasSuffix(text, ":"))) {
		return
	}
	w.images = append(w.images, Image{Ref: ref, Container: w.prefix + " " + container, Place: w.file.place(n), parts: parts{whole: n, at: at}})
}

// isKustomization tells whether the file is a kustomization: by its name, or
// because it says so.
func (f *File) isKustomization(root *yaml.Node) bool {
	switch path.Base(f.Name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	kind := text(root, "kind")
	return (kind == "Kustomization" || kind == "Component") && strings.HasPrefix(text(root, "apiVersion"), "kustomize.config.k8s.io/")
}

// kustomization finds what a kustomization puts in the place of images.
func (w *imageFinder) kustomization(root *yaml.Node) {
	list := lookup(root, "images")
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	for i, item := range list.Content {
		w.aliases[item] = item.Kind == yaml.AliasNode
		item = resolved(item)
		name := text(item, "newName")
		if name == "" {
			name = text(item, "name")
		}
		w.addEntries(item, kustomizeKeys, name, "kustomization "+itemName(item, "images", i))
	}
}

// field adds the image that a path has led to.
func (w *imageFinder) field(n *yaml.Node, where string) {
	w.aliases[n] = n.Kind == yaml.AliasNode
	n = resolved(n)
	switch n.Kind {
	case yaml.ScalarNode:
		w.prefix = "field"
		w.add(n, where)
	case yaml.MappingNode:
		name := text(n, helmKeys.name)
		if registry := text(n, helmKeys.registry); registry != "" && name != "" {
			name = registry + "/" + name
		}
		w.addEntries(n, helmKeys, name, "field "+where)
	}
}

// addEntries adds an image that is written in the entries of a map.
func (w *imageFinder) addEntries(n *yaml.Node, keys entryKeys, name, container string) {
	if _, known := w.parts[n]; known || n.Kind != yaml.MappingNode {
		return
	}
	ref, err := image.ParseRepository(name)
	if err != nil {
		return
	}
	p := parts{entries: n, keys: keys, name: lookup(n, keys.name), tag: lookup(n, keys.tag), digest: lookup(n, keys.digest)}
	if keys.registry != "" {
		p.registry = lookup(n, keys.registry)
	}
	for _, scalar := range p.nodes() {
		if scalar.Kind != yaml.ScalarNode {
			return
		}
	}
	w.parts[n] = keys
	tag, digest := text(n, keys.tag), text(n, keys.digest)
	if p.tag != nil && p.tag.Tag == yaml.NodeTagNull {
		tag = ""
	}
	place := n
	for _, scalar := range []*yaml.Node{p.name, p.digest, p.tag} {
		if scalar != nil {
			place = scalar // that of the tag, if there is one
		}
	}
	w.images = append(w.images, Image{Ref: ref.With(tag, digest), Container: container, Place: w.file.place(place), parts: p})
}

// itemName is an item of a list by its name, or by its number where it has none.
func itemName(item *yaml.Node, list string, i int) string {
	if name := text(item, "name"); name != "" {
		return fmt.Sprintf("%s[%s]", list, name)
	}
	return fmt.Sprintf("%s[%d]", list, i)
}
