package manifest

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// Image is an image reference in a file, in one of the shapes that docs/images.md
// lists, or where a Path leads.
type Image struct {
	Ref image.Ref
	// Where describes the place in its file, such as "Deployment default/api containers[api]".
	Where string
	// Container is the name of the container that runs it, "" where it has none or
	// the image is not a container's.
	Container string
	Place     problem.Place // of the tag, where that has a scalar of its own

	parts  parts
	shared bool               // an alias feeds the same bytes to something that is no image
	users  map[*yaml.Node]int // how many images a scalar is in, by aliases
}

// parts are the scalars that a reference is written in: whole, in the entries of a
// map, of which some may be missing, or in a scalar with a marker.
type parts struct {
	whole *yaml.Node
	at    int  // where the reference starts in it: behind blanks, line breaks, or "name="
	pod   bool // it is of a container or volume of a pod, where nothing but a reference can stand

	entries                     *yaml.Node // the map
	registry, name, tag, digest *yaml.Node
	digestKey                   string
	addTag                      string // the key of the entry that is added where there is no tag; "" adds none

	marker    *marker // behind the scalar whole or tag; nil where it has none
	malformed bool    // what the marker stands behind is none of its tags
}

// runs is the scalar that says what runs: the whole reference, or the tag; nil where
// there is neither.
func (p *parts) runs() *yaml.Node {
	if p.whole != nil {
		return p.whole
	}
	return p.tag
}

// nodes are the scalars that there are.
func (p *parts) nodes() []*yaml.Node {
	var nodes []*yaml.Node
	for _, n := range []*yaml.Node{p.whole, p.registry, p.name, p.tag, p.digest} {
		if n != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// has reports whether a scalar is one of them.
func (p *parts) has(n *yaml.Node) bool {
	return n != nil && (n == p.whole || n == p.registry || n == p.name || n == p.tag || n == p.digest)
}

// bare reports whether a split image has no entry for a tag, and may not be given one.
func (p *parts) bare() bool { return p.whole == nil && p.tag == nil && p.addTag == "" }

// containerLists are the keys of lists of containers.
var containerLists = map[string]bool{"containers": true, "initContainers": true, "ephemeralContainers": true}

// Found is what Find finds in a file.
type Found struct {
	Images []Image // by place
	// Bare are maps that name a repository and have no tag key: they are no images.
	Bare []Image
	// Reached tells, of each path, whether it led to a value.
	Reached []bool
	// Markers are comments that look like markers and mark nothing.
	Markers []StrayMarker
	// Halves are images of which a path led to one of several scalars.
	Halves []Half

	// WrongMarkers are markers that name nothing valid, or stand behind no tag.
	WrongMarkers []WrongMarker
}

// Half is a split image of which a path leads to one entry.
type Half struct {
	Path Path
	Image
}

// Images returns the file's images by place. Text in a place of an image that is
// no reference, such as $(IMAGE), is left out. The images that the paths lead to
// are found too.
func (f *File) Images(paths ...Path) []Image {
	return f.Find(paths...).Images
}

// Find finds the file's images, and what is to be said about places that are none.
func (f *File) Find(paths ...Path) *Found { return f.findImages(finished, paths) }

// How finished a file is whose images are found.
type stage int

const (
	finished stage = iota
	rendered       // tags may be missing, as in "repository:", or malformed behind a marker
	template       // so may values be: a Mark stands for each
)

func (f *File) findImages(at stage, paths []Path) *Found {
	found := &Found{Reached: make([]bool, len(paths))}
	for _, doc := range f.docs {
		w := &imageFinder{file: f, stage: at, known: map[*yaml.Node]bool{},
			splits: map[splitID]bool{}, entries: map[*yaml.Node]parts{}, other: map[*yaml.Node]bool{}, aliases: map[*yaml.Node]bool{}}
		w.anchors = bytes.IndexByte(f.Data[doc.start:doc.end], '&') >= 0
		root := resolved(doc.root)
		if w.anchors {
			for _, path := range paths {
				path.walk(root, func(n *yaml.Node, _ string) { w.aliases[n] = n.Kind == yaml.AliasNode })
			}
		}
		w.object(root, f.isKustomization(root))
		w.markers(doc, found)
		for i, path := range paths {
			path.walk(root, func(n *yaml.Node, where string) {
				found.Reached[i] = true
				w.field(path, n, where, found)
			})
		}
		if w.anchors {
			w.keys(doc.root)
		}
		users := map[*yaml.Node]int{}
		for i := range w.images {
			image := &w.images[i]
			image.users = users
			for _, n := range image.parts.nodes() {
				image.shared = image.shared || w.other[n]
				users[n]++
			}
		}
		slices.SortStableFunc(w.images, func(a, b Image) int {
			return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Col, b.Place.Col))
		})
		found.Images = append(found.Images, w.images...)
		found.Bare = append(found.Bare, w.bare...)
	}
	return found
}

// splitID tells split images apart: those of the same scalars are one.
type splitID struct{ registry, name, tag, digest *yaml.Node }

// imageFinder finds the images of one document.
type imageFinder struct {
	file       *File
	stage      stage
	anchors    bool // the document may have some, so that aliases matter
	images     []Image
	bare       []Image
	known      map[*yaml.Node]bool // scalars that are whole references
	splits     map[splitID]bool
	entries    map[*yaml.Node]parts // of the maps that split images are in
	other      map[*yaml.Node]bool  // scalars that an alias feeds to something that is no image
	aliases    map[*yaml.Node]bool  // that a path leads to
	prefix     string               // the object's identity
	kustomized *yaml.Node           // the map whose entry images is a kustomization's
	path       []walkStep           // from the object to the node at hand
}

// walkStep is a key, or an item of a list.
type walkStep struct {
	key   string
	item  *yaml.Node // nil for a key
	index int
}

// object walks an object, or each item of a List. The status of an object is left
// out: the cluster writes it.
func (w *imageFinder) object(n *yaml.Node, kustomization bool) {
	if items := lookup(n, "items"); items != nil && strings.HasSuffix(text(n, "kind"), "List") && items.Kind == yaml.SequenceNode {
		for _, f := range fields(resolved(n)) {
			if resolved(f.value) != items {
				w.walk(f.value, resolved(f.key).Value, false)
			}
		}
		for _, item := range items.Content {
			w.object(item, false)
		}
		return
	}
	o := objectOf(n)
	w.prefix, w.kustomized = o.String(), nil
	switch {
	case kustomization:
		w.prefix, w.kustomized = "kustomization", resolved(n)
	case o.Kind == "Kustomization" && strings.HasPrefix(o.APIVersion, "kustomize.toolkit.fluxcd.io/"):
		w.kustomized = lookup(n, "spec")
	}
	if resolved(n).Kind == yaml.MappingNode && (o.Kind != "" || o.APIVersion != "") {
		w.walkMap(resolved(n), "", false, true)
		return
	}
	w.walk(n, "", false)
}

// walk visits everything below n, which stands under key; aliased tells whether an
// alias, or a merge key, led here.
func (w *imageFinder) walk(n *yaml.Node, key string, aliased bool) {
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
		for i, item := range n.Content {
			w.path = append(w.path, walkStep{item: item, index: i})
			w.walk(item, key, aliased)
			w.path = w.path[:len(w.path)-1]
		}
	case yaml.MappingNode:
		w.walkMap(n, key, aliased, false)
	}
}

// walkMap visits the entries of a map. Object tells whether it is an object's own
// map, whose status is left out.
func (w *imageFinder) walkMap(n *yaml.Node, parentKey string, aliased, object bool) {
	list := fields(n)
	var own keySet
	if w.anchors {
		own = ownKeys(n)
	}
	w.split(n, parentKey, list)
	entries := w.entries[n]
	for _, f := range list {
		value, key := resolved(f.value), resolved(f.key).Value
		// What a merge key brings comes from elsewhere, as by an alias.
		aliased := aliased || !own.has(f)
		w.path = append(w.path, walkStep{key: key})
		switch {
		case entries.has(value):
		case object && key == statusKey:
			w.ignore(f.value, aliased)
		case key == imageKey && value.Kind == yaml.ScalarNode:
			if w.container(n, parentKey, value); !w.known[value] && aliased {
				w.other[value] = true
			}
		case key == imageKey && parentKey == volumesKey && value.Kind == yaml.MappingNode:
			w.volume(n, value, aliased || value != f.value)
		case key == imagesKey && value.Kind == yaml.SequenceNode && (parentKey == kustomizeKey || n == w.kustomized):
			w.kustomization(f.value, aliased)
		default:
			w.walk(f.value, key, aliased)
		}
		w.path = w.path[:len(w.path)-1]
	}
}

// ignore visits what holds no image whatever it says: a status.
func (w *imageFinder) ignore(n *yaml.Node, aliased bool) {
	if !w.anchors {
		return
	}
	if n.Kind == yaml.AliasNode {
		n, aliased = n.Alias, true
	}
	if n.Kind == yaml.ScalarNode && aliased {
		w.other[n] = true
	}
	for _, child := range n.Content {
		w.ignore(child, aliased)
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
		if value := resolved(f.value); resolved(f.key).Value == referenceKey && value.Kind == yaml.ScalarNode {
			w.add(value, where, "", false, true)
		} else {
			w.walk(f.value, resolved(f.key).Value, aliased || !own.has(f))
		}
	}
}

// where is the path to the node at hand, less some steps at its end.
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

// add adds the image of a scalar that is a whole reference; with assigned, one
// that may stand behind "name=" or "--flag="; pod tells that it is a pod's.
func (w *imageFinder) add(n *yaml.Node, where, container string, assigned, pod bool) {
	if w.known[n] {
		return
	}
	text, at := n.Value, 0
	if w.stage == finished {
		text = strings.Trim(n.Value, " \t\r\n") // as "image: |" leaves one
		at = strings.Index(n.Value, text)
	}
	if assigned {
		if _, reference, found := strings.Cut(text, "="); found {
			at += len(text) - len(reference)
			text = reference
		}
	}
	ref, err := image.Parse(text)
	if err != nil && (w.stage == finished || !strings.Contains(text, Mark) && !strings.HasSuffix(text, ":")) {
		return
	}
	w.known[n] = true
	w.images = append(w.images, Image{Ref: ref, Where: joined(w.prefix, where), Container: container, Place: w.file.place(n), parts: parts{whole: n, at: at, pod: pod}})
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
	for i, item := range resolved(list).Content {
		item := resolved(item)
		w.path = append(w.path, walkStep{item: item, index: i})
		switch item.Kind {
		case yaml.ScalarNode:
			w.add(item, w.where(0), "", true, false)
		case yaml.MappingNode:
			if e, some := entriesOf(fields(item)); some {
				ref, p, ok := e.kustomize(item)
				w.addSplit(ref, p, ok)
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
	if w.stage == template && e.tagKey == newTagKey && e.open() {
		w.addSplit(image.Ref{}, parts{entries: n, name: cmp.Or(e.newName, e.repository), tag: e.tag, digest: e.digest, digestKey: e.digestKey}, true)
		return
	}
	if e.newName != nil && e.tagKey == newTagKey || e.repositoryKey == nameKey && e.tagKey == newTagKey {
		ref, p, ok := e.kustomize(n)
		w.addSplit(ref, p, ok)
		return
	}
	if e.repository == nil || e.tag == nil && e.registry == nil && (e.repositoryKey == imageKey || e.repositoryKey == nameKey) {
		return // image: R alone is a whole reference, and name: R alone is a name
	}
	if w.stage == template && e.open() {
		w.addSplit(image.Ref{}, parts{entries: n, registry: e.registry, name: e.repository, tag: e.tag, digest: e.digest, digestKey: e.digestKey}, e.tag != nil)
		return
	}
	ref, p, ok := e.split(n, parentKey)
	w.addSplit(ref, p, ok)
}

// open reports whether a template leaves the repository or the tag open.
func (e entries) open() bool {
	for _, n := range []*yaml.Node{e.registry, e.repository, e.newName, e.tag} {
		if n != nil && n.Kind == yaml.ScalarNode && strings.Contains(n.Value, Mark) {
			return true
		}
	}
	return false
}

// addSplit adds an image that is written in the entries of a map.
func (w *imageFinder) addSplit(ref image.Ref, p parts, ok bool) {
	if _, known := w.entries[p.entries]; !ok || known {
		return
	}
	place := p.entries
	for _, scalar := range []*yaml.Node{p.name, p.digest, p.tag} {
		if scalar != nil {
			place = scalar
		}
	}
	found := Image{Ref: ref, Where: joined(w.prefix, w.where(0)), Place: w.file.place(place), parts: p}
	if p.bare() {
		w.bare = append(w.bare, found)
		if p.registry != nil { // without it the name is no repository
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

// field adds the image that a path has led to.
func (w *imageFinder) field(path Path, n *yaml.Node, where string, found *Found) {
	n = resolved(n)
	w.prefix, w.path = "field", []walkStep{{key: where}}
	switch n.Kind {
	case yaml.ScalarNode:
		if i := slices.IndexFunc(w.images, func(i Image) bool { return i.parts.entries != nil && i.parts.has(n) }); i >= 0 {
			if p := w.images[i].parts; p.name != nil && p.tag != nil {
				found.Halves = append(found.Halves, Half{path, w.images[i]})
			}
			return
		}
		if !slices.ContainsFunc(w.images, func(i Image) bool { return i.parts.tag == n }) {
			w.add(n, where, "", true, false)
		}
	case yaml.MappingNode:
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

// itemName is an item of a list by its name, or by its number where it has none.
func itemName(item *yaml.Node, list string, i int) string {
	if name := text(item, nameKey); name != "" {
		return fmt.Sprintf("%s[%s]", list, name)
	}
	return fmt.Sprintf("%s[%d]", list, i)
}
