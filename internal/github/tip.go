package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

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
	seen   map[string]seen  // folders of other commits of the same repository, by their hashes; nil keeps none
}

// maxPaths is how many paths are asked for at once. GitHub ends queries that
// take it longer than ten seconds.
const maxPaths = 100

// Tip reads the tip of a branch ("" is the repository's default), with what is at
// these paths: files with their contents, and folders with the contents of the
// files that are directly in them. That is one request for a hundred paths. A file that
// is not UTF-8, or is very large, takes another one when it is read. A path that is not
// there is no error until it is read.
func (c *Client) Tip(ctx context.Context, repo Repo, branch string, paths ...string) (*Tip, error) {
	return c.tip(ctx, repo, branch, nil, paths)
}

// tip is Tip with the folders that are known of other commits.
func (c *Client) tip(ctx context.Context, repo Repo, branch string, known map[string]seen, paths []string) (*Tip, error) {
	at := call{repo, "reading the tip of " + branch, "contents=read"}
	if branch == "" {
		at.doing = "reading the tip of the default branch"
	}
	first, rest := paths, []string(nil)
	if len(paths) > maxPaths {
		first, rest = paths[:maxPaths], paths[maxPaths:]
	}
	for try := 1; ; try++ {
		t := &Tip{Repo: repo, Branch: branch, client: c, nodes: map[string]*node{}, seen: known}
		end, err := t.ask(ctx, at, first)
		if err != nil {
			return nil, err
		}
		if end == t.OID {
			return t, t.Fetch(ctx, rest...)
		}
		// It moved while the query was answered: its files may be another commit's.
		if try == maxAttempts {
			return nil, &fault{Problem: problem.New("run it again", "%s: %s: the branch keeps moving", repo, at.doing), Kind: ErrHeadMoved}
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

// Fetch reads more paths of the same commit, a hundred in a request, without those that
// were read before.
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
				w.tip.wasAsked(w.path)
			}
		}
	}
}

// wasAsked notes that a path was asked for, with the content of a file or of the files
// directly in a folder.
func (t *Tip) wasAsked(name string) {
	n, _ := t.known(name)
	if n == nil {
		return
	}
	n.asked = true
	if t.seen != nil && n.read {
		t.seen[n.oid] = seen{t, name}
	}
}

// missing returns what has to be asked for, so that all at and below paths is here. A
// folder is asked for in place of most of its files.
func (t *Tip) missing(paths []string) []pathOf {
	var wants []pathOf
	inFolder := map[string]int{}
	for _, p := range paths {
		p = path.Clean(p)
		n, known := t.known(p)
		if n != nil && !n.asked {
			t.recall(p, n)
		}
		switch {
		case !known, n != nil && !n.asked && (n.kind() == modeDir || n.kind() == modeFile&modeType && !n.exact && !t.askedWith(p)):
			wants = append(wants, pathOf{t, p})
			if n != nil && n.kind() != modeDir {
				inFolder[path.Dir(p)]++
			}
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
		if wanted, _ := t.known(w.path); wanted == nil || wanted.kind() == modeDir {
			return false // what is in a folder does not come with the folder above it
		}
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

const blobFields = `fragment content on Blob { byteSize isBinary isTruncated text }`

const entryFields = `fragment listing on Tree { entries { name mode oid object { ...content } } }`

// namesOfTree selects the names in a folder, without the content of any file.
const namesOfTree = "__typename oid ... on Tree { entries { name mode oid } }"

type graphqlRef struct {
	Name   string
	Target *graphqlCommit
}

// noBranch returns the refusal where a repository has no such branch.
func noBranch(repository Repo, branch, hint string) error {
	if branch == "" {
		return &fault{Problem: problem.Refuse("push a first commit to it", "%s: the repository is empty", repository), Kind: repo.ErrEmptyRepository}
	}
	return &fault{Problem: problem.Refuse(hint, "%s: there is no branch %q", repository, branch), Kind: repo.ErrNoBranch}
}

// tipQuery returns the query for a branch's tip and what is at paths.
func (t *Tip) tipQuery(paths []string) (document string, variables map[string]any) {
	var params, fields strings.Builder
	variables = map[string]any{"owner": t.Repo.Owner, "name": t.Repo.Name}
	ref, revision := "defaultBranchRef", "HEAD"
	if t.Branch != "" {
		ref, revision = "ref(qualifiedName: $ref)", headsPrefix+t.Branch
		variables["ref"] = revision
		params.WriteString(", $ref: String!")
	}
	ref += " { name target { __typename oid ... on Commit { message committedDate parents(first: 10) { nodes { oid } } } } }"
	variables["top"] = revision + ":"
	for i, p := range paths {
		variables[fmt.Sprintf("p%d", i)] = revision + ":" + strings.Trim(path.Clean("/"+p), "/")
		fmt.Fprintf(&params, ", $p%d: String!", i)
		fmt.Fprintf(&fields, "    p%d: object(expression: $p%d) { __typename oid ...content ...listing }\n", i, i)
	}
	fragments := ""
	if len(paths) > 0 {
		fragments = blobFields + "\n" + entryFields + "\n"
	}
	return fmt.Sprintf(`query($owner: String!, $name: String!, $top: String!%s) {
  repository(owner: $owner, name: $name) {
    id
    default: defaultBranchRef { name }
    tip: %s
    top: object(expression: $top) { %s }
%s    end: %s
  }
}
%s`, &params, ref, namesOfTree, &fields, ref, fragments), variables
}

// ask reads the tip, what is at paths, and the names in the top folder: those say which of
// the paths there are symbolic links. The tip is read before the paths, and once more, for
// end, after them.
func (t *Tip) ask(ctx context.Context, at call, paths []string) (end string, err error) {
	document, variables := t.tipQuery(paths)
	var answer struct{ Repository map[string]json.RawMessage }
	if err := t.client.query(repeatable(ctx), document, variables, &answer); err != nil {
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
	var top *graphqlObject
	if json.Unmarshal(answer.Repository["top"], &top) == nil && top != nil {
		t.learn(".", top)
	}
	for i, p := range paths {
		var object *graphqlObject
		if err := json.Unmarshal(answer.Repository[fmt.Sprintf("p%d", i)], &object); err != nil {
			return "", t.client.fault(ctx, at, err)
		}
		t.learn(path.Clean(p), object)
		t.wasAsked(path.Clean(p))
	}
	return end, nil
}
