package github

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/limit"
)

// node is a file or a folder of a tip.
type node struct {
	mode  uint32 // Git's; 0 where GitHub has not told
	oid   string
	size  int64    // in bytes; negative where GitHub has not told
	data  []byte   // a file's content
	exact bool     // whether data is known, to the byte
	names []string // of what is in a folder, sorted
	read  bool     // whether names is known
	asked bool     // whether a file's content, or those of a folder's files, were asked for
}

// Git's modes.
const (
	modeFile   = 0o100644
	modeDir    = 0o040000
	modeLink   = 0o120000
	modeModule = 0o160000
	modeType   = 0o170000
)

func (n *node) kind() uint32 {
	if n.mode == 0 {
		return modeFile & modeType
	}
	return n.mode & modeType
}

// seen is where a folder was read, with the files directly in it.
type seen struct {
	tip  *Tip
	path string
}

// recall takes a folder from another commit that has the same one, if there is one.
func (t *Tip) recall(name string, n *node) {
	from, ok := t.seen[n.oid]
	if !ok || n.kind() != modeDir || from == (seen{t, name}) {
		return
	}
	n.names, n.read, n.asked = from.tip.nodes[from.path].names, true, true
	for _, child := range n.names {
		if own := t.nodes[path.Join(name, child)]; own != nil && (own.exact || own.asked) {
			continue
		}
		known := *from.tip.nodes[path.Join(from.path, child)]
		if known.kind() == modeDir {
			known = node{mode: known.mode, oid: known.oid}
		}
		t.nodes[path.Join(name, child)] = &known
	}
}

// known returns what is known of a path; a nil node is one that is not there.
func (t *Tip) known(name string) (n *node, known bool) {
	if n, known = t.nodes[name]; known || name == "." {
		return n, known
	}
	parent, known := t.known(path.Dir(name))
	switch {
	case !known:
		return nil, false
	case parent == nil, parent.kind() != modeDir:
		return nil, true
	}
	return nil, parent.read // a listed folder has made its entries known
}

// graphqlObject is a GitObject of an answer: a blob, a tree, or something else.
type graphqlObject struct {
	Oid         string
	Typename    string `json:"__typename"`
	ByteSize    int64
	IsBinary    *bool
	IsTruncated bool
	Text        *string
	Entries     []struct {
		Name   string
		Mode   uint32
		Oid    string
		Object *graphqlObject
	}
}

// learn keeps what an answer says of a path.
func (t *Tip) learn(name string, o *graphqlObject) {
	if o == nil {
		t.nodes[name] = nil
		return
	}
	n := t.nodes[name]
	if n == nil {
		n = &node{oid: o.Oid}
		t.nodes[name] = n
	}
	switch o.Typename {
	case "Tree":
		n.mode, n.names, n.read = modeDir, nil, true
		for _, e := range o.Entries {
			at := path.Join(name, e.Name)
			child := t.nodes[at]
			if child == nil {
				child = &node{size: -1}
				t.nodes[at] = child
			}
			child.mode, child.oid = e.Mode, e.Oid
			n.names = append(n.names, e.Name)
			switch {
			case e.Object == nil:
			case e.Object.Typename == "Tree":
				t.learn(at, e.Object)
			case e.Object.Typename == "":
				if child.kind() != modeDir && child.kind() != modeModule {
					child.fill(e.Object)
				}
			}
		}
		slices.Sort(n.names)
	case "Blob":
		n.fill(o)
	default:
		n.mode = modeModule
	}
}

// fill takes a blob's text for its content where the two are the same: GitHub
// gives a text in UTF-8, whatever the bytes are, and cuts long ones.
func (n *node) fill(o *graphqlObject) {
	n.size = o.ByteSize
	if o.Text != nil && blobOid([]byte(*o.Text), len(n.oid)) == n.oid {
		n.data, n.exact = []byte(*o.Text), true
	}
}

// blobOid returns Git's hash of a file's content, with so many hex digits.
func blobOid(data []byte, digits int) string {
	var h hash.Hash
	if h = sha1.New(); digits == 2*sha256.Size {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// at returns the node of a path, which is read if it is not here.
func (t *Tip) at(ctx context.Context, name string) (*node, error) {
	n, known := t.known(name)
	if !known {
		if err := t.Fetch(ctx, name); err != nil {
			return nil, err
		}
		n, _ = t.known(name)
	}
	if n == nil {
		return nil, fs.ErrNotExist
	}
	return n, nil
}

// content returns the bytes of a file. Where GitHub's text differs from them, it reads the blob.
func (t *Tip) content(ctx context.Context, n *node) ([]byte, error) {
	if n.exact {
		return n.data, nil
	}
	at := call{t.Repo, "reading blob " + n.oid, "contents=read"}
	if n.size > limit.MaxFile {
		return nil, t.client.fault(ctx, at, limit.FileError("the file"))
	}
	blob, _, err := t.client.rest.Git.GetBlob(ctx, t.Repo.Owner, t.Repo.Name, n.oid)
	if err != nil {
		return nil, t.client.fault(ctx, at, err)
	}
	data := []byte(blob.GetContent())
	if blob.GetEncoding() == "base64" {
		data, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(blob.GetContent(), "\n", ""))
	}
	if err == nil && blobOid(data, len(n.oid)) != n.oid {
		err = errors.New("the content does not have that hash")
	}
	if err == nil && len(data) > limit.MaxFile { // and GitHub had not said so
		err = limit.FileError("the file")
	}
	if err != nil {
		return nil, t.client.fault(ctx, at, err)
	}
	n.data, n.exact, n.size = data, true, int64(len(data))
	return data, nil
}
