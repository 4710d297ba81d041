package manifest

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// Image is an image reference in a place where Kubernetes runs it:
// containers[].image, initContainers[].image, ephemeralContainers[].image or
// volumes[].image.reference, at any depth of any object, items of a List too.
type Image struct {
	Ref       image.Ref
	Container string // which one it is in its file, such as "Deployment default/api containers[api]"
	Place     problem.Place

	node   *yaml.Node
	shared bool // an alias feeds the same bytes to something that is no image
}

// containerLists are the keys whose items have an image.
var containerLists = map[string]bool{"containers": true, "initContainers": true, "ephemeralContainers": true}

// Images are the file's images, in the order they are found in. Text in a place
// of an image that is no reference, such as $(IMAGE), is left out.
func (f *File) Images() []Image {
	return f.images(false)
}

// images are the file's images, and if asked the unfinished ones too: those with
// a Mark for a name, or with nothing behind the colon.
func (f *File) images(unfinished bool) []Image {
	var found []Image
	for _, doc := range f.docs {
		if !acyclic(doc) {
			continue
		}
		finder := imageFinder{file: f, unfinished: unfinished, known: map[*yaml.Node]bool{}, other: map[*yaml.Node]bool{}}
		finder.object(doc.Content[0])
		for i := range finder.images {
			finder.images[i].shared = finder.other[finder.images[i].node]
		}
		found = append(found, finder.images...)
	}
	return found
}

type imageFinder struct {
	file       *File
	unfinished bool
	images     []Image
	known      map[*yaml.Node]bool // scalars in a place of an image
	other      map[*yaml.Node]bool // scalars that an alias feeds to something that is no image
	prefix     string              // the object's identity
}

// object walks an object, or each item of a List.
func (w *imageFinder) object(n *yaml.Node) {
	if items := lookup(n, "items"); items != nil && strings.HasSuffix(text(n, "kind"), "List") && items.Kind == yaml.SequenceNode {
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
		for _, f := range fields(n) {
			// What a merge key brings comes from elsewhere, as by an alias.
			value, aliased := f.value, aliased || !owns(n, f)
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

// owns tells whether a mapping itself has the field, and no merge key.
func owns(n *yaml.Node, f field) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i] == f.key {
			return true
		}
	}
	return false
}

// container visits an item of a list of containers: its image, and the rest.
func (w *imageFinder) container(n *yaml.Node, list, imageKey string, i int, aliased bool) {
	item := resolved(n)
	aliased = aliased || item != n
	if item.Kind != yaml.MappingNode {
		w.walk(n, aliased)
		return
	}
	for _, f := range fields(item) {
		value := resolved(f.value)
		if resolved(f.key).Value == imageKey && value.Kind == yaml.ScalarNode {
			w.add(value, itemName(item, list, i))
			continue
		}
		w.walk(f.value, aliased || !owns(item, f))
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
	for _, f := range fields(item) {
		if resolved(f.value) == source {
			for _, g := range fields(source) {
				if value := resolved(g.value); resolved(g.key).Value == "reference" && value.Kind == yaml.ScalarNode {
					w.add(value, itemName(item, "volumes", i))
				} else {
					w.walk(g.value, aliased || !owns(source, g))
				}
			}
			continue
		}
		w.walk(f.value, aliased || !owns(item, f))
	}
}

func (w *imageFinder) add(n *yaml.Node, container string) {
	if w.known[n] {
		return
	}
	w.known[n] = true
	ref, err := image.Parse(n.Value)
	if err != nil && !(w.unfinished && (strings.Contains(n.Value, Mark) || strings.HasSuffix(n.Value, ":"))) {
		return
	}
	w.images = append(w.images, Image{Ref: ref, Container: w.prefix + " " + container, Place: w.file.place(n), node: n})
}

// itemName is an item of a list by its name, or by its number where it has none.
func itemName(item *yaml.Node, list string, i int) string {
	if name := text(item, "name"); name != "" {
		return fmt.Sprintf("%s[%s]", list, name)
	}
	return fmt.Sprintf("%s[%d]", list, i)
}

// SetImages is the file with each of the images changed to what change makes of
// it, and proved: only their tags, digests or names differ. It is f.Data itself
// where nothing changes. An image whose bytes also feed something that is no
// image, through an alias, is refused.
func (f *File) SetImages(images []Image, change func(image.Ref) image.Ref) ([]byte, error) {
	var edits []edit
	for _, i := range images {
		next := change(i.Ref)
		if next.String() == i.Ref.String() {
			continue
		}
		if i.shared {
			return nil, refuse(f.problemAt(i.node, "write the value out in the places of the aliases", "an alias uses the image %s for something that is no image", i.Ref))
		}
		e := edit{node: i.node, to: len(i.node.Value), text: next.String()}
		if next.Name == i.Ref.Name {
			e.from, e.text = len(i.Ref.Name), next.Suffix()
		}
		edits = append(edits, e)
	}
	if len(edits) == 0 {
		return f.Data, nil
	}
	out, err := f.splice(edits)
	if err != nil {
		for _, p := range problem.All(err) {
			refuse(p)
		}
		return nil, err
	}
	return out, nil
}

func refuse(p *problem.Problem) *problem.Problem {
	p.Refused = true
	return p
}
