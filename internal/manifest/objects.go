package manifest

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
)

// Object is which Kubernetes object a document, or an item of a List, is.
type Object struct {
	APIVersion, Kind, Namespace, Name string
	Place                             problem.Place
	NameLine                          int // where metadata.name stands

	node *yaml.Node
}

// Identity returns what no two objects of one cluster may share: group, kind,
// namespace and name. The version is no part of it.
func (o Object) Identity() string {
	group, _, grouped := strings.Cut(o.APIVersion, "/")
	if !grouped {
		group = ""
	}
	return strings.Join([]string{group, o.Kind, o.Namespace, o.Name}, "|")
}

// String returns the object as people name it: Deployment default/api.
func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

func objectOf(n *yaml.Node) Object {
	o := Object{APIVersion: text(n, "apiVersion"), Kind: text(n, "kind")}
	if meta := lookup(n, "metadata"); meta != nil {
		o.Name, o.Namespace = text(meta, "name"), text(meta, "namespace")
	}
	return o
}

// Objects returns the file's Kubernetes objects. A document that is none is a
// problem; an empty one is nothing.
func (f *File) Objects() ([]Object, error) {
	var objects []Object
	var problems problem.List
	var add func(n *yaml.Node)
	add = func(n *yaml.Node) {
		n = resolved(n)
		if n.Kind == yaml.ScalarNode && n.Tag == yaml.NodeTagNull {
			return
		}
		o := objectOf(n)
		o.Place, o.node = f.place(n), n
		switch items := lookup(n, "items"); {
		case n.Kind != yaml.MappingNode:
			problems.Add(f.problemAt(n, "", "a Kubernetes object is a map; this is something else").WithCode(problem.NotAnObject))
		case o.APIVersion == "" || o.Kind == "":
			problems.Add(f.problemAt(n, "every Kubernetes object has both", "no apiVersion or no kind").WithCode(problem.NotAnObject))
		case strings.HasSuffix(o.Kind, "List") && items != nil && items.Kind == yaml.SequenceNode:
			for _, item := range items.Content {
				add(item)
			}
		case o.Name == "":
			problems.Add(f.problemAt(n, "give it metadata.name", "this %s has no name", o.Kind).WithCode(problem.NotAnObject))
		default:
			o.NameLine = lookup(lookup(n, "metadata"), "name").Line
			objects = append(objects, o)
		}
	}
	for _, doc := range f.docs {
		add(doc.root)
	}
	return objects, problems.Err()
}
