package manifest

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// splitID tells split images apart: those of the same scalars are one.
type splitID struct{ registry, name, tag, digest *yaml.Node }

// imageFinder finds the images of one document.
type imageFinder struct {
	file       *File
	stage      stage
	anchors    bool // the document may have some, so that aliases matter
	images     []Image
	bare       []Image
	unread     []Unread
	undecided  bool                // see Found
	known      map[*yaml.Node]bool // scalars that are whole references
	splits     map[splitID]bool
	entries    map[*yaml.Node]parts   // of the maps that split images are in
	other      map[*yaml.Node]bool    // scalars that an alias feeds to something that is no image
	fed        []*yaml.Node           // aliases of scalars that make no image, unless a marker does
	markedBy   map[*yaml.Node]bool    // the aliases among them behind which a marker of the same image is
	aliases    map[*yaml.Node]bool    // that a path leads to
	reached    map[[2]*yaml.Node]bool // a map and a value that a path leads to in it
	owners     map[*yaml.Node]string  // the name beside a map under the key image
	prefix     string                 // the object's identity
	kustomized *yaml.Node             // the map whose entry images is a kustomization's
	path       []walkStep             // from the object to the node at hand
}

// walkStep is a key, or an item of a list.
type walkStep struct {
	key   string
	item  *yaml.Node // nil for a key
	index int
}

// object walks a document's object, or an item of a List. The status of an object, and of an
// item, is left out: the cluster writes it. Aliased reports whether an alias led here.
func (w *imageFinder) object(n *yaml.Node, item, aliased bool) {
	aliased = aliased || n.Kind == yaml.AliasNode
	n = resolved(n)
	if items := lookup(n, "items"); items != nil && strings.HasSuffix(text(n, "kind"), "List") && items.Kind == yaml.SequenceNode {
		own, shared := ownKeys(n), aliased
		for _, f := range fields(n) {
			switch aliased := aliased || !own.has(f); {
			case resolved(f.key).Value == statusKey:
				w.ignore(f.value, aliased)
			case resolved(f.value) != items:
				w.walk(f.value, resolved(f.key).Value, aliased)
			case aliased || f.value.Kind == yaml.AliasNode:
				shared = true
			}
		}
		for _, item := range items.Content {
			w.object(item, true, shared)
		}
		return
	}
	o := objectOf(n)
	w.prefix, w.kustomized = o.String(), nil
	switch {
	case !item && w.file.isKustomization(n):
		w.prefix, w.kustomized = "kustomization", n
	case o.Kind == "Kustomization" && strings.HasPrefix(o.APIVersion, "kustomize.toolkit.fluxcd.io/"):
		w.kustomized = lookup(n, "spec")
	}
	if n.Kind == yaml.MappingNode && (item || o.Kind != "" || o.APIVersion != "") {
		w.walkMap(n, "", aliased, true)
		return
	}
	w.walk(n, "", aliased)
}

// walk visits everything below n, which stands under key; aliased reports whether an
// alias, or a merge key, led here.
func (w *imageFinder) walk(n *yaml.Node, key string, aliased bool) {
	if n.Kind == yaml.AliasNode {
		if w.aliases[n] {
			return
		}
		if !aliased && n.Alias.Kind == yaml.ScalarNode {
			w.fed = append(w.fed, n)
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

// walkMap visits the entries of a map. Object reports whether it is an object's own
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
		aliased := aliased || !own.has(f) && !w.reached[[2]*yaml.Node{n, f.value}]
		w.path = append(w.path, walkStep{key: key})
		switch {
		case entries.has(value):
			if entries.bare() {
				w.walk(f.value, key, aliased)
			}
		case object && key == statusKey:
			w.ignore(f.value, aliased)
		case key == imageKey && value.Kind == yaml.ScalarNode:
			if w.container(n, parentKey, value); !w.known[value] {
				w.walk(f.value, key, aliased)
			}
		case key == imageKey && parentKey == volumesKey && value.Kind == yaml.MappingNode:
			w.volume(n, value, aliased || value != f.value)
		case key == referenceKey && parentKey == imageKey && value.Kind == yaml.ScalarNode:
			if w.add(value, w.where(0), "", false, false); !w.known[value] {
				w.walk(f.value, key, aliased)
			}
		case key == imagesKey && value.Kind == yaml.SequenceNode && (parentKey == kustomizeKey || n == w.kustomized):
			w.kustomization(f.value, aliased)
		default:
			if key == imageKey && value.Kind == yaml.MappingNode {
				w.owners[value] = strings.Clone(text(n, nameKey))
			}
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
