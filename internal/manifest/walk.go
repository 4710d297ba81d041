package manifest

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// field is an entry of a mapping as YAML means it: with merge keys taken in.
type field struct{ key, value *yaml.Node }

// fields returns the entries of a mapping, those of its merge keys ("<<") last and
// only where the mapping itself, or an earlier merge, does not have the key.
func fields(n *yaml.Node) []field {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	list := make([]field, 0, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Tag == yaml.MergeTag && key.Kind == yaml.ScalarNode {
			merges = append(merges, n.Content[i+1])
		} else {
			list = append(list, field{key, n.Content[i+1]})
		}
	}
	if merges == nil {
		return list
	}
	has := make(map[string]bool, len(list))
	for _, f := range list {
		has[resolved(f.key).Value] = true
	}
	merge := func(n *yaml.Node) {
		if n = resolved(n); n.Kind != yaml.MappingNode {
			return
		}
		for _, f := range fields(n) {
			if key := resolved(f.key).Value; !has[key] {
				has[key] = true
				list = append(list, f)
			}
		}
	}
	for _, m := range merges {
		if m = resolved(m); m.Kind == yaml.SequenceNode {
			for _, item := range m.Content {
				merge(item)
			}
		} else {
			merge(m)
		}
	}
	return list
}

// lookup returns the value of a key of a mapping, through aliases and merge keys; nil
// where n is no mapping or has no such key.
func lookup(n *yaml.Node, key string) *yaml.Node {
	n = resolved(n)
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if resolved(n.Content[i]).Value == key { // the Value of an alias is its name
			return resolved(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == yaml.MergeTag {
			for _, f := range fields(n) {
				if resolved(f.key).Value == key {
					return resolved(f.value)
				}
			}
			break
		}
	}
	return nil
}

// text returns the string that a key of a mapping says, "" where it says none.
func text(n *yaml.Node, key string) string {
	if v := lookup(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// acyclic reports whether following the aliases below a node comes to an end, in
// at most so many steps that no file written by hand reaches them.
func acyclic(n *yaml.Node) bool {
	const maxSteps, maxAliases = 1 << 20, 1000 // of aliases: one in another
	steps := 0
	var visit func(n *yaml.Node, aliases int) bool
	visit = func(n *yaml.Node, aliases int) bool {
		if n.Kind == yaml.AliasNode {
			n, aliases = n.Alias, aliases+1
		}
		if aliases > 0 {
			steps++
		}
		if steps > maxSteps || aliases > maxAliases {
			return false
		}
		for _, child := range n.Content {
			if !visit(child, aliases) {
				return false
			}
		}
		return true
	}
	return visit(n, 0)
}
