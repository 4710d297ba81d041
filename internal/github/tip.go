package github

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// Tip is the commit at the end of a branch, with those of its files that have
// been read. It belongs to one goroutine at a time.
type Tip struct {
	Repo    Repo
	Branch  string
	Default string // the repository's default branch
	OID     string

	Message string
	Parents []string
	Time    time.Time // of the commit

	author repo.Signature
	client *Client
	nodes  map[string]*node // by path; a nil node is known not to be there
}

// node is a file or a folder of a tip.
type node struct {
	mode  uint32 // Git's; 0 where GitHub has not told
	oid   string
	size  int64
	data  []byte   // of a file, once it is known to the byte
	exact bool     // data is
	names []string // of a folder, once it is listed
	read  bool     // names is
	asked bool     // it was asked for, of a folder with the files directly in it
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

// maxPaths is how many paths are asked for at once. GitHub ends queries that
// take it longer than ten seconds.
const maxPaths = 100

// Tip reads the tip of a branch ("" is the repository's default), with what is at
// these paths: files with their contents, and folders with the contents of the
// files that are directly in them. That is one request, as long as GitHub's texts
// are the files': what is not UTF-8, or is very large, takes another one when it
// is read. A path that is not there is no error until it is read.
func (c *Client) Tip(ctx context.Context, repo Repo, branch string, paths ...string) (*Tip, error) {
	at := call{repo, "reading the tip of " + branch, "contents=read"}
	if branch == "" {
		at.doing = "reading the tip of the default branch"
	}
	first, rest := paths, []string(nil)
	if len(paths) > maxPaths {
		first, rest = paths[:maxPaths], paths[maxPaths:]
	}
	for try := 1; ; try++ {
		t := &Tip{Repo: repo, Branch: branch, client: c, nodes: map[string]*node{}}
		end, err := t.ask(ctx, at, first)
		if err != nil {
			return nil, err
		}
		if end == t.OID {
			return t, t.Fetch(ctx, rest...)
		}
		// It moved while the query was answered: its files may be another commit's.
		if try == maxAttempts {
			return nil, &fault{Problem: problem.New("run it again", "%s: %s: it does not stand still", repo, at.doing), Kind: ErrHeadMoved}
		}
	}
}

// At returns a commit by its hash, whatever branch it is on; none of its files is read.
func (c *Client) At(ctx context.Context, repo Repo, oid string) (*Tip, error) {
	found, err := c.Commit(ctx, repo, oid)
	if err != nil {
		return nil, err
	}
	return &Tip{Repo: repo, OID: found.SHA, Message: found.Message, Parents: found.Parents, Time: found.Time, client: c, nodes: map[string]*node{}}, nil
}

// Fetch reads more paths of the same commit, one request for a hundred of them.
// What is here already is left out.
func (t *Tip) Fetch(ctx context.Context, paths ...string) error {
	return t.client.fetchEach(ctx, t.Repo, []tipPaths{{t, paths}})
}

// tipPaths is paths of a tip.
type tipPaths struct {
	tip   *Tip
	paths []string
}

// fetchEach is Tip.Fetch for several tips of one repository at once: a request for a
// hundred files or folders, and for each level of folders.
func (c *Client) fetchEach(ctx context.Context, at Repo, parts []tipPaths) error {
	for {
		var missing []pathOf
		for _, part := range parts {
			missing = append(missing, part.tip.missing(part.paths)...)
		}
		if len(missing) == 0 {
			return nil
		}
		for some := range slices.Chunk(missing, maxPaths) {
			if err := c.askPaths(ctx, at, "__typename oid ...content ...listing", blobFields+"\n"+entryFields+"\n", some); err != nil {
				return err
			}
			for _, w := range some {
				if n, _ := w.tip.known(w.path); n != nil {
					n.asked = true
				}
			}
		}
	}
}

// missing is what has to be asked for, so that all at and below paths is here. A
// folder is asked for in place of most of its files.
func (t *Tip) missing(paths []string) []pathOf {
	var wants []pathOf
	inFolder := map[string]int{}
	for _, p := range paths {
		p = path.Clean(p)
		n, known := t.known(p)
		switch {
		case !known, n != nil && !n.asked && (n.kind() == modeDir || n.kind() == modeFile&modeType && !n.exact && !t.askedWith(p)):
			wants = append(wants, pathOf{t, p})
			inFolder[path.Dir(p)]++
		case n != nil && n.kind() == modeDir:
			for _, child := range n.names {
				if below := path.Join(p, child); t.nodes[below].kind() == modeDir {
					wants = append(wants, t.missing([]string{below})...)
				}
			}
		}
	}
	var folders []pathOf
	wants = slices.DeleteFunc(wants, func(w pathOf) bool {
		dir := path.Dir(w.path)
		n, _ := t.known(dir)
		if n == nil || !n.read || inFolder[dir] < 2 || inFolder[dir]*2 < len(n.names) {
			return false
		}
		if want := (pathOf{t, dir}); !slices.Contains(folders, want) {
			folders = append(folders, want)
		}
		return true
	})
	return append(wants, folders...)
}

// askedWith reports whether a file was asked for with its folder.
func (t *Tip) askedWith(name string) bool {
	n, _ := t.known(path.Dir(name))
	return n != nil && n.asked
}

// known is what is known of a path; a nil node is one that is not there.
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

const blobFields = `fragment content on Blob { byteSize isBinary isTruncated text }`

const entryFields = `fragment listing on Tree { entries { name mode oid object { ...content } } }`

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

type graphqlRef struct {
	Name   string
	Target *graphqlCommit
}

// noBranch is the refusal where a repository has no such branch.
func noBranch(repository Repo, branch, hint string) error {
	if branch == "" {
		return &fault{Problem: problem.Refuse("push a first commit to it", "%s: the repository is empty", repository), Kind: repo.ErrEmptyRepository}
	}
	return &fault{Problem: problem.Refuse(hint, "%s: there is no branch %q", repository, branch), Kind: repo.ErrNoBranch}
}

// ask reads the tip and what is at paths. The tip is read before the paths, and once
// more, for end, after them.
func (t *Tip) ask(ctx context.Context, at call, paths []string) (end string, err error) {
	var document, params strings.Builder
	variables := map[string]any{"owner": t.Repo.Owner, "name": t.Repo.Name}
	params.WriteString("$owner: String!, $name: String!")
	ref, revision := "defaultBranchRef", "HEAD"
	if t.Branch != "" {
		ref, revision = "ref(qualifiedName: $ref)", headsPrefix+t.Branch
		variables["ref"] = revision
		params.WriteString(", $ref: String!")
	}
	ref += " { name target { __typename oid ... on Commit { message committedDate parents(first: 10) { nodes { oid } } } } }"
	for i, p := range paths {
		variables[fmt.Sprintf("p%d", i)] = revision + ":" + strings.Trim(path.Clean("/"+p), "/")
		fmt.Fprintf(&params, ", $p%d: String!", i)
	}
	fmt.Fprintf(&document, "query(%s) {\n  repository(owner: $owner, name: $name) {\n    id\n", &params)
	fmt.Fprintf(&document, "    default: defaultBranchRef { name }\n    tip: %s\n", ref)
	for i := range paths {
		fmt.Fprintf(&document, "    p%d: object(expression: $p%d) { __typename oid ...content ...listing }\n", i, i)
	}
	fmt.Fprintf(&document, "    end: %s\n", ref)
	document.WriteString("  }\n}\n")
	if len(paths) > 0 {
		document.WriteString(blobFields + "\n" + entryFields + "\n")
	}
	var answer struct{ Repository map[string]json.RawMessage }
	if err := t.client.query(repeatable(ctx), document.String(), variables, &answer); err != nil {
		return "", t.client.fault(ctx, at, err)
	}
	var id string
	if json.Unmarshal(answer.Repository["id"], &id) == nil {
		t.client.remember(t.Repo, id)
	}
	var home, tip, last *graphqlRef
	if err := errors.Join(json.Unmarshal(answer.Repository["tip"], &tip), json.Unmarshal(answer.Repository["end"], &last)); err != nil {
		return "", t.client.fault(ctx, at, err)
	}
	if tip == nil || tip.Target == nil || last == nil || last.Target == nil {
		return "", noBranch(t.Repo, t.Branch, "is its name right?")
	}
	if json.Unmarshal(answer.Repository["default"], &home) == nil && home != nil {
		t.Default = home.Name
	}
	c := tip.Target.commit()
	t.Branch, t.OID, end = tip.Name, c.SHA, last.Target.Oid
	t.Message, t.Parents, t.Time = c.Message, c.Parents, c.Time
	for i, p := range paths {
		var object *graphqlObject
		if err := json.Unmarshal(answer.Repository[fmt.Sprintf("p%d", i)], &object); err != nil {
			return "", t.client.fault(ctx, at, err)
		}
		t.learn(path.Clean(p), object)
		if n, _ := t.known(path.Clean(p)); n != nil {
			n.asked = true
		}
	}
	return end, nil
}

// learn keeps what an answer tells of a path.
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
				child = &node{}
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

// blobOid is Git's name for a file's content, in so many digits.
func blobOid(data []byte, digits int) string {
	var h hash.Hash
	if h = sha1.New(); digits == 2*sha256.Size {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// at is the node of a path, which is read if it is not here.
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

// content is the bytes of a file, by way of its blob where its text is not they.
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
		err = errors.New("it is not the content that its name stands for")
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
