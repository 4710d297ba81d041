package gittest

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// treeEntry is an entry of a tree object, but for its name.
type treeEntry struct{ mode, hash string }

// parseTree returns the names and the entries of a tree, in their order.
func parseTree(raw string) iter.Seq2[string, treeEntry] {
	return func(yield func(string, treeEntry) bool) {
		for raw := raw; raw != ""; {
			head, rest, _ := strings.Cut(raw, "\x00")
			mode, name, _ := strings.Cut(head, " ")
			if !yield(name, treeEntry{mode, hex.EncodeToString([]byte(rest[:sha1.Size]))}) {
				return
			}
			raw = rest[sha1.Size:]
		}
	}
}

// readTree returns the entries of a tree by their names, none for "".
func (r *Repo) readTree(hash string) map[string]treeEntry {
	if hash == "" {
		return map[string]treeEntry{}
	}
	return maps.Collect(parseTree(r.ReadObject("tree", hash)))
}

const modeTree = "40000"

// writeTree stores a tree.
func (r *Repo) writeTree(entries map[string]treeEntry) (hash string) {
	order := func(name string) string { // Git sorts folders as if their names ended in a slash
		if entries[name].mode == modeTree {
			return name + "/"
		}
		return name
	}
	names := slices.SortedFunc(maps.Keys(entries), func(a, b string) int { return strings.Compare(order(a), order(b)) })
	var raw strings.Builder
	for _, name := range names {
		sum, err := hex.DecodeString(entries[name].hash)
		if err != nil {
			r.t.Fatal(err)
		}
		fmt.Fprintf(&raw, "%s %s\x00%s", entries[name].mode, name, sum)
	}
	return r.WriteObject("tree", raw.String())
}

// EditTree stores a tree that has files beside those of another one, "" for none: see
// Files. The files of gone it does not have.
func (r *Repo) EditTree(tree string, files Files, gone ...string) (hash string) {
	entries := r.readTree(tree)
	below := map[string]Files{}
	goneBelow := map[string][]string{}
	for _, name := range gone {
		if dir, rest, deep := strings.Cut(name, "/"); deep {
			goneBelow[dir] = append(goneBelow[dir], rest)
			below[dir] = Files{}
		} else {
			delete(entries, name)
		}
	}
	for name, data := range files {
		mode, file := splitMode(name)
		if dir, rest, deep := strings.Cut(file, "/"); deep {
			if below[dir] == nil {
				below[dir] = Files{}
			}
			below[dir][mode+" "+rest] = data
			continue
		}
		if mode != "160000" {
			data = r.WriteObject("blob", data)
		}
		entries[file] = treeEntry{mode, data}
	}
	for dir, files := range below {
		old := ""
		if e := entries[dir]; e.mode == modeTree {
			old = e.hash
		}
		made := r.EditTree(old, files, goneBelow[dir]...)
		entries[dir] = treeEntry{modeTree, made}
		if len(r.readTree(made)) == 0 {
			delete(entries, dir)
		}
	}
	return r.writeTree(entries)
}

// splitMode splits a path of Files that may carry a mode.
func splitMode(name string) (mode, file string) {
	mode, file, ok := strings.Cut(name, " ")
	if !ok || len(mode) != 6 {
		return "100644", name
	}
	return mode, file
}

// header returns the value of a commit's header line.
func header(commit, name string) string {
	head, _, _ := strings.Cut(commit, "\n\n")
	for line := range strings.Lines(head) {
		if value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+" "); ok {
			return value
		}
	}
	return ""
}

// Tree returns the hash of a commit's tree.
func (r *Repo) Tree(commit string) string { return header(r.ReadObject("commit", commit), "tree") }

// file returns the hash and the mode of what is at a path of a tree.
func (r *Repo) file(tree, name string) treeEntry {
	dir, base := path.Split(path.Clean(name))
	if dir != "" {
		e := r.file(tree, dir)
		if e.mode != modeTree {
			return treeEntry{}
		}
		tree = e.hash
	}
	return r.readTree(tree)[base]
}

// Change is a file that differs between two trees. A hash of "" stands for no file.
type Change struct{ Path, Old, New string }

// Changes returns the files that differ between two trees, sorted by path.
func (r *Repo) Changes(from, to string) []Change {
	var changes []Change
	was, is := r.readTree(from), r.readTree(to)
	names := maps.Clone(is)
	maps.Copy(names, was)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, b := was[name], is[name]
		if a == b {
			continue
		}
		if a.mode == modeTree || b.mode == modeTree {
			below := func(e *treeEntry) (tree string) {
				if e.mode == modeTree {
					tree, *e = e.hash, treeEntry{}
				}
				return tree
			}
			for _, c := range r.Changes(below(&a), below(&b)) {
				changes = append(changes, Change{name + "/" + c.Path, c.Old, c.New})
			}
		}
		if a != b {
			changes = append(changes, Change{name, a.hash, b.hash})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes
}
