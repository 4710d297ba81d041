package manifest

import (
	"bytes"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
)

// DuplicateKeys returns a problem at the first duplicate key of a map, as
// the API server refuses it; nil where there is none. A merge key is none.
func (f *File) DuplicateKeys() error {
	var found *problem.Problem
	var visit func(n *yaml.Node) bool
	visit = func(n *yaml.Node) bool {
		if n.Kind == yaml.MappingNode {
			if key := duplicateKey(n); key != nil {
				found = f.problemAt(key, "which of the two counts depends on the reader: remove one", "duplicate key %s", quoteForPeople(key.Value))
				return false
			}
		}
		for _, child := range n.Content {
			if !visit(child) {
				return false
			}
		}
		return true
	}
	for _, doc := range f.docs {
		if !visit(doc.root) {
			return found
		}
	}
	return nil
}

// duplicateKey returns the second of two equal keys of a map, nil where there is none.
func duplicateKey(n *yaml.Node) *yaml.Node {
	const few = 24 // keys, for which a look at each pair is faster than a table
	var seen map[string]bool
	if len(n.Content) > 2*few {
		seen = make(map[string]bool, len(n.Content)/2)
	}
	for i := 0; i < len(n.Content); i += 2 {
		key := resolved(n.Content[i])
		if key.Kind != yaml.ScalarNode || key.Tag == yaml.MergeTag {
			continue
		}
		if seen != nil {
			if seen[key.Value] {
				return n.Content[i]
			}
			seen[key.Value] = true
			continue
		}
		for j := 0; j < i; j += 2 {
			if other := resolved(n.Content[j]); other.Value == key.Value && other.Kind == yaml.ScalarNode && other.Tag != yaml.MergeTag {
				return n.Content[i]
			}
		}
	}
	return nil
}

// LateMerge returns a problem at the first merge key that brings a key which stands before it in
// its map, where one of the two may hold an image of those found; nil where there is none. The
// parser of kubectl takes the merged value then, that of kustomize the map's own.
func (f *File) LateMerge(found *Found) error {
	if !bytes.Contains(f.Data, []byte("<<")) {
		return nil
	}
	images := map[*yaml.Node]bool{}
	for _, i := range found.Images {
		for _, n := range i.parts.nodes() {
			images[n] = true
		}
	}
	holdsImage := func(key string, value *yaml.Node) bool { return isShapeKey(key) || holds(value, images) }
	var visit func(n *yaml.Node) error
	visit = func(n *yaml.Node) error {
		if n.Kind == yaml.MappingNode {
			if merge, key := lateMerge(n, holdsImage); merge != nil {
				return f.problemAt(merge, "which of the two counts depends on the reader: write << first, and only once",
					"<< merges the key %s, which the map has already", quoteForPeople(key))
			}
		}
		for _, child := range n.Content {
			if err := visit(child); err != nil {
				return err
			}
		}
		return nil
	}
	for _, doc := range f.docs {
		if err := visit(doc.root); err != nil {
			return err
		}
	}
	return nil
}

// lateMerge returns the first merge key of a map that brings a key which the map has before it,
// itself or by another merge key, and that key, where either value matters; nil where there is none.
func lateMerge(n *yaml.Node, matters func(key string, value *yaml.Node) bool) (merge *yaml.Node, key string) {
	before := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != yaml.MergeTag {
			before[resolved(n.Content[i]).Value] = n.Content[i+1]
			continue
		}
		for _, f := range fields(&yaml.Node{Kind: yaml.MappingNode, Content: n.Content[i : i+2]}) {
			key := resolved(f.key).Value
			if own := before[key]; own != nil && (matters(key, own) || matters(key, f.value)) {
				return n.Content[i], key
			}
			before[key] = f.value
		}
	}
	return nil, ""
}

// holds reports whether some node of a set is n or below it, behind aliases too.
func holds(n *yaml.Node, set map[*yaml.Node]bool) bool {
	n = resolved(n)
	return set[n] || slices.ContainsFunc(n.Content, func(child *yaml.Node) bool { return holds(child, set) })
}

// Sealed returns the place of a SOPS message authentication code that covers the
// file's clear values, so that an edit would break it; ok is false where there is
// none. With mac_only_encrypted it covers encrypted values only.
func (f *File) Sealed() (place problem.Place, ok bool) {
	for _, doc := range f.docs {
		sops := lookup(doc.root, "sops")
		if sops == nil || text(sops, "mac") == "" || text(sops, "mac_only_encrypted") == "true" {
			continue
		}
		return f.place(lookup(sops, "mac")), true
	}
	return problem.Place{}, false
}
