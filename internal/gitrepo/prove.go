package gitrepo

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// prove compares two trees by their bytes, independently of how the new one was
// built, and checks that the difference is the plan and nothing else.
func (b *builder) prove(old, new Hash, plan map[string]Hash) ([]Change, error) {
	var changes []Change
	if err := b.diff(old, new, "", &changes); err != nil {
		return nil, err
	}
	slices.SortFunc(changes, func(x, y Change) int { return strings.Compare(x.Path, y.Path) })
	for _, c := range changes {
		if want, planned := plan[c.Path]; !planned || want != c.New {
			return nil, fmt.Errorf("the new tree differs at %s, where it should not", c.Path)
		}
	}
	for path, want := range plan {
		_, changed := slices.BinarySearchFunc(changes, path, func(c Change, path string) int {
			return strings.Compare(c.Path, path)
		})
		if changed {
			continue // else the file was so before
		}
		if now, err := b.lookup(new, path); err != nil || now != want {
			return nil, fmt.Errorf("the new tree does not have the new %s", path)
		}
	}
	return changes, nil
}

// diff collects the entries in which two trees differ, in and below them. A
// tree that is zero is empty.
func (b *builder) diff(old, new Hash, prefix string, changes *[]Change) error {
	before, err := b.tree(old)
	if err != nil {
		return err
	}
	after, err := b.tree(new)
	if err != nil {
		return err
	}
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		before, after = before[1:], after[1:]
	}
	for n, m := len(before), len(after); n > 0 && m > 0 && before[n-1] == after[m-1]; n, m = len(before), len(after) {
		before, after = before[:n-1], after[:m-1]
	}
	names := map[string][2]treeEntry{}
	for side, tree := range [][]treeEntry{before, after} {
		for _, e := range tree {
			pair := names[e.name]
			pair[side] = e
			names[e.name] = pair
		}
	}
	for name, pair := range names {
		was, is := pair[0], pair[1]
		path := prefix + name
		switch {
		case was == is:
		case was.mode != "" && is.mode != "" && was.mode != is.mode:
			return fmt.Errorf("the new tree changes the mode of %s", path)
		case was.isDir() || is.isDir():
			if err := b.diff(was.hash, is.hash, path+"/", changes); err != nil {
				return err
			}
		default:
			*changes = append(*changes, Change{path, was.hash, is.hash})
		}
	}
	return nil
}

// tree returns the entries of a tree that was made or fetched; a zero hash is an empty
// one. A tree that was made is parsed from its bytes, once.
func (b *builder) tree(h Hash) ([]treeEntry, error) {
	if entries, known := b.parsed[h]; known || h.IsZero() {
		return entries, nil
	}
	o, made := b.made[h]
	if !made {
		was, err := b.parent.remote.tree(h)
		if err != nil {
			return nil, err
		}
		return was.entries, nil
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	entries, err := parseTree(raw)
	if err == nil {
		b.parsed[h] = entries
	}
	return entries, err
}

// lookup returns the hash at path below a tree; zero if there is nothing.
func (b *builder) lookup(h Hash, path string) (Hash, error) {
	for name := range strings.SplitSeq(path, "/") {
		tree, err := b.tree(h)
		if err != nil {
			return Hash{}, err
		}
		i := find(tree, name)
		if i < 0 {
			return Hash{}, nil
		}
		h = tree[i].hash
	}
	return h, nil
}
