package manifest

import (
	"bytes"
	"cmp"
	"slices"

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

	parts parts
	other map[*yaml.Node]bool // scalars that an alias feeds to something that is no image
	users map[*yaml.Node]int  // how many images a scalar is in, by aliases
}

// Marked reports whether a marker makes it an image of its repository.
func (i Image) Marked() bool { return i.parts.marker != nil }

// Span returns the bytes of an image that is one scalar, quotes included; ok is
// false for one that is split, or whose bytes are ambiguous.
func (f *File) Span(i Image) (start, end int, ok bool) {
	if i.parts.whole == nil {
		return 0, 0, false
	}
	s, err := f.find(i.parts.whole)
	return s.start, s.end, err == nil
}

// parts are the scalars that a reference is written in: whole, in the entries of a
// map, of which some may be missing, or in a scalar with a marker.
type parts struct {
	whole    *yaml.Node
	at       int  // where the reference starts in it: behind blanks, line breaks, or "name="
	assigned bool // it may stand behind "name="
	pod      bool // it is of a container or volume of a pod, where nothing but a reference can stand

	entries                     *yaml.Node // the map
	registry, name, tag, digest *yaml.Node
	replaces                    *yaml.Node // in a kustomization, the name that stays
	digestKey                   string
	needsPath                   bool   // in a template: it is an image only if the name has a "/"
	addTag                      string // the key of the entry that is added where there is no tag; "" adds none

	marker    *marker   // behind the scalar whole or tag; nil where it has none
	more      []*marker // behind aliases of the scalar
	malformed bool      // what the marker stands behind is none of its tags
}

// tagNode returns the scalar that has the tag: the whole reference, or the tag itself; nil where
// there is neither.
func (p *parts) tagNode() *yaml.Node {
	if p.whole != nil {
		return p.whole
	}
	return p.tag
}

// nodes returns the scalars that there are.
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
	// Unread are maps that name a repository, and have a tag that is none.
	Unread []Unread
	// Reached reports, for each path, whether it led to a value.
	Reached []bool
	// Markers are comments that look like markers and mark nothing.
	Markers []StrayMarker
	// Halves are images of which a path led to one of several scalars.
	Halves []Half
	// TagsAlone are scalars that a path led to and that may be a tag, or a name of one word.
	TagsAlone []TagAlone

	// WrongMarkers are markers that name nothing valid, or stand behind no tag.
	WrongMarkers []WrongMarker

	undecided bool // in a template: its values decide whether a scalar under the key image is one
}

// Unread is an image whose tag is none, such as ${TAG}.
type Unread struct {
	Ref   image.Ref     // the repository
	Place problem.Place // of the tag
	Tag   string        // what stands there; "" in the reference "repository:"
}

// TagAlone is a scalar that may be a tag, and the path that led to it.
type TagAlone struct {
	Path  Path
	Place problem.Place
	Tag   string
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

// stage is how finished a file is whose images are found.
type stage int

const (
	finished stage = iota
	rendered       // tags may be missing, as in "repository:", or malformed behind a marker
	template       // so may values be: a Placeholder stands for each
)

func (f *File) findImages(at stage, paths []Path) *Found {
	found := &Found{Reached: make([]bool, len(paths))}
	for _, doc := range f.docs {
		w := &imageFinder{file: f, stage: at, known: map[*yaml.Node]bool{},
			splits: map[splitID]bool{}, entries: map[*yaml.Node]parts{}, other: map[*yaml.Node]bool{}, aliases: map[*yaml.Node]bool{}, reached: map[[2]*yaml.Node]bool{}, owners: map[*yaml.Node]string{}, markedBy: map[*yaml.Node]bool{}}
		w.anchors = bytes.IndexByte(f.Data[doc.start:doc.end], '&') >= 0
		root := resolved(doc.root)
		if w.anchors {
			for _, path := range paths {
				path.walk(root, func(n, in *yaml.Node) {
					w.aliases[n] = n.Kind == yaml.AliasNode
					w.reached[[2]*yaml.Node{in, n}] = true
				})
			}
		}
		w.object(doc.root, false, false)
		found.undecided = found.undecided || w.undecided
		w.markers(doc, found)
		for i, path := range paths {
			maps := map[*yaml.Node]bool{}
			path.walk(root, func(n, _ *yaml.Node) {
				found.Reached[i] = true
				w.field(path, n, maps, found)
			})
		}
		if w.anchors {
			w.keys(doc.root)
		}
		for _, alias := range w.fed {
			w.other[alias.Alias] = w.other[alias.Alias] || !w.markedBy[alias]
		}
		users := map[*yaml.Node]int{}
		for i := range w.images {
			image := &w.images[i]
			image.users, image.other = users, w.other
			for _, n := range image.parts.nodes() {
				users[n]++
			}
			if image.parts.replaces != nil {
				users[image.parts.replaces]++ // it is to stay
			}
		}
		slices.SortStableFunc(w.images, func(a, b Image) int {
			return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Col, b.Place.Col))
		})
		found.Images = append(found.Images, w.images...)
		found.Bare = append(found.Bare, w.bare...)
		found.Unread = append(found.Unread, w.unread...)
	}
	return found
}
