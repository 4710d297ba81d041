package manifest

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
)

// container adds the image of a scalar under the key image of the map n.
func (w *imageFinder) container(n *yaml.Node, parentKey string, value *yaml.Node) {
	where, pod := w.where(0), false
	if list := len(w.path) - 2; list >= 0 && containerLists[parentKey] && w.path[list].item != nil {
		where, pod = itemName(n, parentKey, w.path[list].index), true
	}
	w.add(value, where, text(n, nameKey), false, pod)
}

// volume visits a volume that may be an image.
func (w *imageFinder) volume(item, source *yaml.Node, aliased bool) {
	where := w.where(0)
	if list := len(w.path) - 2; list >= 0 && w.path[list].item != nil {
		where = itemName(item, volumesKey, w.path[list].index)
	}
	own := ownKeys(source)
	for _, f := range fields(source) {
		value, key := resolved(f.value), resolved(f.key).Value
		if key == referenceKey && value.Kind == yaml.ScalarNode {
			w.add(value, where, "", false, true)
		}
		if !w.known[value] {
			w.walk(f.value, key, aliased || !own.has(f))
		}
	}
}

// where returns the path to the node at hand, less some steps at its end.
func (w *imageFinder) where(less int) string {
	var b strings.Builder
	for i := 0; i < len(w.path)-less; i++ {
		switch s := w.path[i]; {
		case s.item == nil && b.Len() > 0:
			b.WriteByte('.')
			b.WriteString(s.key)
		case s.item == nil:
			b.WriteString(s.key)
		default:
			b.WriteString(itemName(resolved(s.item), "", s.index))
		}
	}
	return b.String()
}

// blanks may stand around a reference.
const blanks = " \t\r\n"

// add adds the image of a scalar that is a whole reference; with assigned, one
// that may stand behind "name=" or "--flag="; pod means that it is a pod's.
func (w *imageFinder) add(n *yaml.Node, where, container string, assigned, pod bool) {
	if w.known[n] {
		return
	}
	text := strings.Trim(n.Value, blanks) // "image: |" leaves a line break, which a chart trims
	at := strings.Index(n.Value, text)
	if assigned {
		if _, reference, found := strings.Cut(text, "="); found {
			at += len(text) - len(reference)
			text = reference
		}
	}
	ref, err := image.Parse(text)
	if err != nil && (w.stage == finished || !strings.Contains(text, Placeholder) && !strings.HasSuffix(text, ":")) {
		if name, empty := strings.CutSuffix(text, ":"); empty {
			if ref, err = image.ParseRepository(name); err == nil {
				w.unread = append(w.unread, Unread{ref, w.file.place(n), ""})
			}
		}
		return
	}
	w.known[n] = true
	w.images = append(w.images, Image{Ref: ref, Where: joined(w.prefix, where), Container: strings.Clone(container), Place: w.file.place(n), parts: parts{whole: n, at: at, assigned: assigned, pod: pod}})
}

func joined(prefix, where string) string { return strings.Trim(prefix+" "+where, " ") }

// isKustomization reports whether the file is a kustomization: by its name, or
// because it says so.
func (f *File) isKustomization(root *yaml.Node) bool {
	switch path.Base(f.Name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	kind := text(root, "kind")
	return (kind == "Kustomization" || kind == "Component") && strings.HasPrefix(text(root, "apiVersion"), "kustomize.config.k8s.io/")
}

// kustomization adds what a kustomization puts in the place of images: maps, or
// strings such as name=newName:tag.
func (w *imageFinder) kustomization(list *yaml.Node, aliased bool) {
	aliased = aliased || list.Kind == yaml.AliasNode
	for i, item := range resolved(list).Content {
		aliased := aliased || item.Kind == yaml.AliasNode
		item := resolved(item)
		w.path = append(w.path, walkStep{item: item, index: i})
		switch item.Kind {
		case yaml.ScalarNode:
			w.add(item, w.where(0), "", true, false)
		case yaml.MappingNode:
			if e, some := entriesOf(fields(item)); some {
				w.addSplit(w.kustomize(e, item))
			}
			w.walkRest(item, aliased)
		}
		w.path = w.path[:len(w.path)-1]
	}
}

// walkRest visits the entries of a map that are no parts of an image.
func (w *imageFinder) walkRest(n *yaml.Node, aliased bool) {
	own, entries := ownKeys(n), w.entries[n]
	for _, f := range fields(n) {
		if !entries.has(resolved(f.value)) {
			w.walk(f.value, resolved(f.key).Value, aliased || !own.has(f))
		}
	}
}

// split adds the image of a map's entries, if they make one.
func (w *imageFinder) split(n *yaml.Node, parentKey string, list []field) {
	e, some := entriesOf(list)
	if !some {
		return
	}
	if e.tagKey == newTagKey && (e.newName != nil || e.repositoryKey == nameKey) {
		w.addSplit(w.kustomize(e, n))
		return
	}
	w.undecided = w.undecided || w.stage == template && e.undecided()
	if e.repository == nil || e.tag == nil && e.registry == nil && (e.repositoryKey == imageKey && !e.pinned() || e.repositoryKey == nameKey) {
		return // image: R alone is a whole reference, and name: R alone is a name
	}
	if w.stage == template && e.open() {
		w.addSplit(image.Ref{}, parts{entries: n, registry: e.registry, name: e.repository, tag: e.tag, digest: e.digest, digestKey: e.digestKey,
			needsPath: e.needsPath(parentKey)}, e.tag != nil && e.areScalars())
		return
	}
	ref, p, ok := e.split(n, parentKey)
	w.addSplit(ref, p, ok)
}

// kustomize reads an entry of a kustomization's images, which a template may leave open.
func (w *imageFinder) kustomize(e entries, n *yaml.Node) (image.Ref, parts, bool) {
	e.tag = lookup(n, newTagKey) // whatever other tags there are
	if w.stage == template && e.tag != nil && e.open() {
		p := parts{entries: n, name: e.newName, replaces: lookup(n, nameKey), tag: e.tag}
		if e.digestKey == digestKey {
			p.digest, p.digestKey = e.digest, e.digestKey
		}
		return image.Ref{}, p, e.areScalars()
	}
	return e.kustomize(n)
}

// open reports whether a template leaves the repository or the tag open.
func (e entries) open() bool {
	return slices.ContainsFunc([]*yaml.Node{e.registry, e.repository, e.newName, e.tag}, hasPlaceholder)
}

// undecided reports whether the values of a template decide if the scalar under the key image is a
// whole reference: there is no tag, and a registry or a digest beside it.
func (e entries) undecided() bool {
	return e.repositoryKey == imageKey && e.tag == nil && (e.registry != nil || e.digest != nil) && (e.open() || hasPlaceholder(e.digest))
}

func hasPlaceholder(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.ScalarNode && strings.Contains(n.Value, Placeholder)
}

// addSplit adds an image that is written in the entries of a map.
func (w *imageFinder) addSplit(ref image.Ref, p parts, ok bool) {
	if !ok && ref.Repository() != "" && p.tag != nil && p.tag.Kind == yaml.ScalarNode {
		if u := (Unread{ref, w.file.place(p.tag), p.tag.Value}); !slices.Contains(w.unread, u) {
			w.unread = append(w.unread, u)
		}
	}
	if _, known := w.entries[p.entries]; !ok || known {
		return
	}
	place := p.entries
	for _, scalar := range []*yaml.Node{p.name, p.digest, p.tag} {
		if scalar != nil {
			place = scalar
		}
	}
	found := Image{Ref: ref, Where: joined(w.prefix, w.where(0)), Container: w.owners[p.entries], Place: w.file.place(place), parts: p}
	if p.bare() {
		w.bare = append(w.bare, found)
		if p.registry != nil || w.isPinnedImage(p) { // the name alone is not what runs
			w.entries[p.entries] = p
		}
		return
	}
	w.entries[p.entries] = p
	id := splitID{p.registry, p.name, p.tag, p.digest}
	if p.tag == nil || p.name == nil { // the map itself tells it from others
		id.name = cmp.Or(id.name, p.entries)
	}
	if !w.splits[id] {
		w.splits[id] = true
		w.images = append(w.images, found)
	}
}

// isPinnedImage reports whether the name of a split image is a scalar under the key image,
// beside a digest.
func (w *imageFinder) isPinnedImage(p parts) bool {
	return p.name != nil && p.name == lookup(p.entries, imageKey) && p.digest != nil
}

// field adds the image that a path has led to. Maps are those that it has led to before.
func (w *imageFinder) field(path Path, n *yaml.Node, maps map[*yaml.Node]bool, found *Found) {
	n = resolved(n)
	where := path.text
	w.prefix, w.path = "field", []walkStep{{key: where}}
	switch n.Kind {
	case yaml.ScalarNode:
		if i := slices.IndexFunc(w.images, func(i Image) bool {
			return i.parts.entries != nil && (i.parts.has(n) || i.parts.name == nil && i.parts.replaces == n)
		}); i >= 0 {
			if !maps[w.images[i].parts.entries] {
				found.Halves = append(found.Halves, Half{path, w.images[i]})
			}
			return
		}
		if !slices.ContainsFunc(w.images, func(i Image) bool { return i.parts.tag == n }) {
			w.add(n, where, "", true, false)
		}
		if _, _, isTag := image.SplitTag(n.Value); isTag {
			found.TagsAlone = append(found.TagsAlone, TagAlone{path, w.file.place(n), n.Value})
		}
	case yaml.MappingNode:
		maps[n] = true
		e, some := entriesOf(fields(n))
		if p, known := w.entries[n]; !some || known && !p.bare() || w.known[e.repository] {
			return
		}
		delete(w.entries, n)
		ref, p, ok := e.split(n, imageKey)
		if e.newName != nil {
			ref, p, ok = e.kustomize(n)
		}
		if p.addTag = cmp.Or(p.addTag, tagKey); ok {
			w.bare = slices.DeleteFunc(w.bare, func(b Image) bool { return b.parts.entries == n })
		}
		w.addSplit(ref, p, ok)
	}
}

// itemName returns an item of a list by its name, or by its number where it has none.
func itemName(item *yaml.Node, list string, i int) string {
	if name := text(item, nameKey); name != "" {
		return fmt.Sprintf("%s[%s]", list, name)
	}
	return fmt.Sprintf("%s[%d]", list, i)
}
