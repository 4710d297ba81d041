package github

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/repo"
)

var _ repo.Tree = (*Tip)(nil)

// FS returns the tip's files. Its requests are made under ctx.
func (t *Tip) FS(ctx context.Context) repo.FS { return repo.NewFS(ctx, t, time.Time{}) }

// Lookup returns the entry at a path: see repo.Tree.
func (t *Tip) Lookup(ctx context.Context, name string) (repo.Entry, error) {
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		if n, known := t.known(above); known && n != nil && n.kind() == modeLink {
			return repo.Entry{}, repo.ErrLink
		}
	}
	n, err := t.at(ctx, name)
	if err != nil {
		return repo.Entry{}, err
	}
	return n.entry(name), nil
}

// Entries returns what is directly in a folder: see repo.Tree.
func (t *Tip) Entries(ctx context.Context, name string) ([]repo.Entry, error) {
	n, err := t.at(ctx, name)
	if err != nil {
		return nil, err
	}
	if n.kind() != modeDir {
		return nil, errors.New("is not a folder")
	}
	if !n.read {
		if err := t.Fetch(ctx, name); err != nil {
			return nil, err
		}
	}
	entries := make([]repo.Entry, len(n.names))
	for i, child := range n.names {
		at := path.Join(name, child)
		entries[i] = t.nodes[at].entry(at)
	}
	return entries, nil
}

// Content returns the bytes of a file, or the target of a link: see repo.Tree.
func (t *Tip) Content(ctx context.Context, e repo.Entry) ([]byte, error) {
	n, err := t.at(ctx, e.Path)
	if err != nil {
		return nil, err
	}
	if kind := n.kind(); kind != modeFile&modeType && kind != modeLink {
		return nil, errors.New("is not a file")
	}
	data, err := t.content(ctx, n)
	return slices.Clone(data), err
}

// entry returns the node as package repo has it.
func (n *node) entry(name string) repo.Entry {
	e := repo.Entry{Path: name, Hash: n.oid, Size: n.size, Mode: fs.FileMode(0o644 | n.mode&0o111)}
	switch n.kind() {
	case modeDir:
		e.Mode = fs.ModeDir | 0o755
	case modeLink:
		e.Mode = fs.ModeSymlink | 0o777
	case modeModule:
		e.Mode = fs.ModeIrregular
	}
	return e
}

// Below returns all that is below a folder: see repo.Tree. A request reads
// several levels of folders.
func (t *Tip) Below(ctx context.Context, dir string) ([]repo.Entry, error) {
	at, err := t.Lookup(ctx, dir)
	if err != nil {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: err}
	}
	if !at.Mode.IsDir() {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: errors.New("not a folder")}
	}
	var entries []repo.Entry
	for unread := []string{dir}; len(unread) > 0; {
		if err := t.list(ctx, unread); err != nil {
			return nil, err
		}
		var deeper []string
		for _, folder := range unread {
			entries, deeper = t.collect(folder, entries, deeper)
		}
		unread = deeper
	}
	slices.SortFunc(entries, func(a, b repo.Entry) int { return strings.Compare(a.Path, b.Path) })
	return entries, nil
}

// collect adds what is known to be below a folder, and the folders that are not
// listed yet.
func (t *Tip) collect(folder string, entries []repo.Entry, unread []string) ([]repo.Entry, []string) {
	for _, child := range t.nodes[folder].names {
		at := path.Join(folder, child)
		switch n := t.nodes[at]; {
		case n.kind() != modeDir:
			entries = append(entries, n.entry(at))
		case n.read:
			entries, unread = t.collect(at, entries, unread)
		default:
			unread = append(unread, at)
		}
	}
	return entries, unread
}

// maxLevels is how many levels of folders a listing asks for at once.
const maxLevels = 4

// list reads the entries of folders, and of those below them, without the content
// of any file.
func (t *Tip) list(ctx context.Context, folders []string) error {
	selection := namesOfTree
	for range maxLevels - 1 {
		selection = "__typename oid ... on Tree { entries { name mode oid object { " + selection + " } } }"
	}
	folders = slices.DeleteFunc(slices.Clone(folders), func(name string) bool {
		n, known := t.known(name)
		return known && n != nil && n.read && len(n.names) == 0
	})
	for some := range slices.Chunk(folders, maxPaths) {
		wants := make([]pathOf, len(some))
		for i, name := range some {
			wants[i] = pathOf{t, name}
		}
		if err := t.client.askPaths(ctx, t.Repo, selection, "", wants); err != nil {
			return err
		}
	}
	return nil
}

// pathOf is a path of a tip.
type pathOf struct {
	tip  *Tip
	path string
}

// askPaths reads what is at paths of any tips of a repository, in one query.
func (c *Client) askPaths(ctx context.Context, at Repo, selection, fragments string, wants []pathOf) error {
	var params, fields strings.Builder
	variables := map[string]any{"owner": at.Owner, "name": at.Name}
	for i, w := range wants {
		variables[fmt.Sprintf("p%d", i)] = w.tip.OID + ":" + strings.Trim(path.Clean("/"+w.path), "/")
		fmt.Fprintf(&params, ", $p%d: String!", i)
		fmt.Fprintf(&fields, "    p%d: object(expression: $p%d) { %s }\n", i, i, selection)
	}
	document := fmt.Sprintf("query($owner: String!, $name: String!%s) {\n  repository(owner: $owner, name: $name) {\n%s  }\n}\n%s", &params, &fields, fragments)
	var answer struct{ Repository map[string]*graphqlObject }
	if err := c.query(repeatable(ctx), document, variables, &answer); err != nil {
		return c.fault(ctx, call{at, "reading files", "contents=read"}, err)
	}
	for i, w := range wants {
		w.tip.learn(path.Clean(w.path), answer.Repository[fmt.Sprintf("p%d", i)])
	}
	return nil
}
