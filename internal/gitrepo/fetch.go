package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// mode is how much a server must be asked for at once, best first.
type mode int

const (
	byTree mode = iota // single trees and blobs
	byBlob             // all trees, then single blobs
	whole              // all of the tip
)

// filters leave out what a first fetch need not bring.
var filters = [...]packp.Filter{byTree: packp.FilterTreeDepth(0), byBlob: packp.FilterBlobNone(), whole: ""}

// Tip is the commit that a branch was at when it was read.
type Tip struct {
	Branch    string // without refs/heads/
	Default   string // the repository's default branch; "" where it has none
	Hash      Hash   // of the commit
	Tree      Hash   // of the root folder
	Parents   []Hash
	Author    Signature
	Committer Signature
	Message   string

	remote *Remote
	offer  *capability.List // what the server can do
	line   *line            // nil unless it is a commit of a Log
	listed counter          // the entries that FS has listed
}

// Tip reads the tip of a branch; "" is the repository's default branch.
func (r *Remote) Tip(ctx context.Context, branch string) (*Tip, error) {
	refs, err := r.advertised(ctx, uploadPack)
	if err != nil {
		return nil, err
	}
	t := &Tip{remote: r, offer: refs.Capabilities, listed: counter{what: "what the commit's folders list", max: r.bounds.entries}, Default: defaultBranch(refs)}
	if t.Branch, t.Hash, err = r.pick(refs, branch); err != nil {
		return nil, err
	}
	if err := t.fetchCommit(ctx); err != nil {
		return nil, r.fault(ctx, err)
	}
	if err := t.read(); err != nil {
		return nil, r.fault(ctx, err)
	}
	return t, nil
}

// pick finds a branch among the references.
func (r *Remote) pick(refs *packp.AdvRefs, branch string) (string, Hash, error) {
	fail := func(kind error, hint, format string, args ...any) (string, Hash, error) {
		return "", Hash{}, &fault{Problem: problem.Refuse(hint, "%s: "+format, append([]any{r.url}, args...)...), Kind: kind}
	}
	if len(refs.References) == 0 && refs.Head == nil {
		return fail(ErrEmptyRepository, "push a first commit to it", "the repository is empty")
	}
	if branch == "" {
		if branch = defaultBranch(refs); branch == "" {
			return fail(ErrNoBranch, "name the branch", "the repository has no default branch")
		}
	}
	if hash, ok := refs.References[branchPrefix+branch]; ok {
		return branch, hash, nil
	}
	var known []string
	for _, name := range slices.Sorted(maps.Keys(refs.References)) {
		if b, ok := strings.CutPrefix(name, branchPrefix); ok {
			known = append(known, b)
		}
	}
	return fail(ErrNoBranch, problem.DidYouMean(branch, known), "there is no branch %q", branch)
}

// defaultBranch is the branch that HEAD points to. Servers too old to say so
// get the branch that is at the same commit, main and master first.
func defaultBranch(refs *packp.AdvRefs) string {
	for _, link := range refs.Capabilities.Get(capability.SymRef) {
		if branch, ok := strings.CutPrefix(link, "HEAD:"+branchPrefix); ok {
			return branch
		}
	}
	if refs.Head == nil {
		return ""
	}
	names := slices.Sorted(maps.Keys(refs.References))
	for _, name := range append([]string{branchPrefix + "main", branchPrefix + "master"}, names...) {
		if branch, ok := strings.CutPrefix(name, branchPrefix); ok && refs.References[name] == *refs.Head {
			return branch
		}
	}
	return ""
}

// fetchCommit brings the tip's commit, in the leanest mode that the server
// takes; the remote remembers the mode.
func (t *Tip) fetchCommit(ctx context.Context) error {
	r := t.remote
	// Servers that filter but do not serve objects by their hash would leave us
	// without the rest.
	if !t.offer.Supports(capability.Filter) || !t.offer.Supports(capability.AllowReachableSHA1InWant) {
		r.mode = whole
	}
	if t.has(t.Hash) {
		return nil // the branch has not moved since it was last read
	}
	for m := r.mode; ; m++ {
		err := t.requestTip(ctx, m)
		var refused *refusedError
		if errors.As(err, &refused) && m < whole {
			continue
		}
		return t.moved(ctx, err)
	}
}

// requestTip asks for the tip in a mode, and remembers the mode if it works.
// What a tip has that is here is left out.
func (t *Tip) requestTip(ctx context.Context, m mode) error {
	r := t.remote
	base := r.base
	if m != r.mode {
		base = Hash{}
	}
	err := error(nil)
	switch {
	case base.IsZero():
		err = t.request(ctx, []Hash{t.Hash}, nil, 1, filters[m])
	case m == byTree:
		err = t.requestSince(ctx, base)
	default:
		err = t.request(ctx, []Hash{t.Hash}, []Hash{base}, 1, filters[m])
	}
	if err != nil {
		return err
	}
	r.mode, r.base = m, t.Hash
	return nil
}

// farthest is how many commits a branch may have moved for its new trees to be
// asked for at once.
const farthest = 50

// requestSince brings the tip, and in one more request the trees that have come
// since base. Not all trees of base need be here, so the server must not send
// differences to them, as it does with thin packs; for it to leave anything out
// without these, the two commits must be joined by those in between.
func (t *Tip) requestSince(ctx context.Context, base Hash) error {
	if err := t.request(ctx, []Hash{t.Hash}, nil, farthest, filters[byTree]); err != nil {
		return err
	}
	joined, err := t.history().descends(ctx, t.Hash, base)
	if err != nil || !joined {
		return err // moved by force, or far: its trees come as they are needed
	}
	return t.request(ctx, []Hash{t.Hash}, []Hash{base}, 0, filters[byBlob])
}

// history is the commits that are here, to ask which descends from which.
func (t *Tip) history() *History { return &History{objects: t.remote.store} }

// want brings the objects with these hashes, and what is in and below them
// unless filter leaves it out. A server that does not serve them is asked for
// the whole tip, now and from then on.
func (t *Tip) want(ctx context.Context, hashes []Hash, filter packp.Filter) error {
	seen := map[Hash]bool{}
	hashes = slices.DeleteFunc(hashes, func(h Hash) bool {
		again := seen[h]
		seen[h] = true
		return again || t.has(h)
	})
	if len(hashes) == 0 {
		return nil
	}
	r := t.remote
	if r.mode != whole {
		err := t.request(ctx, hashes, nil, 0, filter)
		var refused *refusedError
		if !errors.As(err, &refused) {
			return err
		}
	}
	if err := t.requestWhole(ctx); err != nil {
		return t.moved(ctx, err)
	}
	return t.check(hashes)
}

// requestWhole asks for everything in the tip, or in the log that it is of.
func (t *Tip) requestWhole(ctx context.Context) error {
	if t.line == nil {
		return t.requestTip(ctx, whole)
	}
	t.remote.mode = whole
	return t.line.tip.deepen(ctx, t.line.depth+1)
}

// moved explains why the server refuses to serve the tip: it does so once the
// branch has been moved elsewhere by force, and only reading the branch again
// can tell.
func (t *Tip) moved(ctx context.Context, err error) error {
	var refused *refusedError
	if !errors.As(err, &refused) {
		return err
	}
	branches, again := t.remote.Branches(ctx)
	if again != nil || branches[t.Branch] == t.Hash {
		return err
	}
	return &fault{Problem: problem.New("", "%s: branch %s moved while it was read", t.remote.url, t.Branch), Kind: ErrMoved, Cause: err}
}

// request makes one fetch request. Have is commits that are here; with a depth,
// all that the filter leaves of them must be here too. Depth 0 is no limit, which
// is right for everything but commits.
func (t *Tip) request(ctx context.Context, wants, have []Hash, depth int, filter packp.Filter) error {
	return t.requestBehind(ctx, wants, have, have, depth, filter)
}

// requestBehind is request where more is here than the commits that it has: the
// history behind them, up to the shallow ones.
func (t *Tip) requestBehind(ctx context.Context, wants, have, shallow []Hash, depth int, filter packp.Filter) error {
	req := packp.NewUploadPackRequest()
	req.Wants, req.Haves, req.Shallows = wants, have, shallow
	req.Depth, req.Filter = packp.DepthCommits(depth), filter
	take := []capability.Capability{capability.Sideband64k, capability.OFSDelta, capability.NoProgress}
	if depth > 0 || len(have) > 0 {
		take = append(take, capability.Shallow)
	}
	if depth > 0 && len(have) > 0 {
		take = append(take, capability.ThinPack) // else Git leaves nothing out, as no history joins the two
	}
	if filter != "" {
		take = append(take, capability.Filter)
	}
	t.remote.agree(req.Capabilities, t.offer, take...)
	var message bytes.Buffer
	if err := req.UploadRequest.Encode(&message); err != nil {
		return err
	}
	if err := req.UploadHaves.Encode(&message, false); err != nil {
		return err
	}
	if err := pktline.NewEncoder(&message).EncodeString("done\n"); err != nil {
		return err
	}
	answer, err := t.remote.wire.ask(ctx, uploadPack, message.Bytes())
	if err != nil {
		return err
	}
	defer answer.Close()
	bounded := limit.NewReader(answer, t.remote.bounds.pack, "the server's pack")
	res := packp.NewUploadPackResponse(req)
	if err := res.Decode(io.NopCloser(bounded)); err != nil {
		return garbled(cmp.Or(bounded.Over(), err), "the server's answer")
	}
	defer res.Close()
	var pack io.Reader = res
	if req.Capabilities.Supports(capability.Sideband64k) {
		pack = newDemux(res, io.Discard)
	}
	if err := t.remote.readPack(ctx, pack); err != nil {
		return garbled(cmp.Or(bounded.Over(), err), "the objects")
	}
	io.Copy(io.Discard, pack) // the end of the side band
	return t.check(wants)
}

// check makes sure that the server sent what it was asked for.
func (t *Tip) check(wants []Hash) error {
	for _, h := range wants {
		switch {
		case t.has(h):
		case t.remote.leftOut: // it is one of those, or the difference to one
			return limit.FileError("object " + h.String())
		default:
			return fmt.Errorf("the server did not send object %s", h)
		}
	}
	return nil
}

// has reports whether an object is here, or is known to be too large.
func (t *Tip) has(h Hash) bool { return t.remote.large[h] || t.remote.store.HasEncodedObject(h) == nil }

// object is a copy of an object that is here.
func (t *Tip) object(kind plumbing.ObjectType, h Hash) ([]byte, error) {
	if t.remote.large[h] && kind == plumbing.BlobObject {
		return nil, limit.FileError("the file")
	}
	if t.remote.large[h] {
		return nil, limit.FileError("the " + kind.String() + " " + h.String())
	}
	o, err := t.remote.store.EncodedObject(kind, h)
	if err != nil {
		return nil, fmt.Errorf("%s %s is not here", kind, h)
	}
	reader, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	raw := make([]byte, o.Size())
	_, err = io.ReadFull(reader, raw)
	return raw, err
}

// tree is a tree that is here. It must not be changed.
func (t *Tip) tree(h Hash) (*tree, error) {
	if known, ok := t.remote.trees[h]; ok {
		return known, nil
	}
	raw, err := t.object(plumbing.TreeObject, h)
	if err != nil {
		return nil, err
	}
	entries, err := parseTree(raw)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", h, err)
	}
	read := &tree{entries: entries}
	t.remote.trees[h] = read
	return read, nil
}

// Fetch brings files, and folders with all that is in them, so that reading
// them asks the server nothing. It takes one request for each level of folders
// that is not here yet and one for everything at the end of the paths. Paths
// that do not exist, and those below a link, are passed over.
func (t *Tip) Fetch(ctx context.Context, paths ...string) error {
	return t.bring(ctx, paths, "")
}

// Follows reports whether a commit is the tip itself, or one of the commits before
// it, no more than depth steps back.
func (t *Tip) Follows(ctx context.Context, commit Hash, depth int) (bool, error) {
	if commit == t.Hash || slices.Contains(t.Parents, commit) {
		return true, nil
	}
	if err := t.request(ctx, []Hash{t.Hash}, nil, depth, filters[t.remote.mode]); err != nil {
		return false, t.remote.fault(ctx, t.moved(ctx, err))
	}
	return t.history().descends(ctx, t.Hash, commit)
}

// Entry is a file, link or submodule in the tree of a Tip.
type Entry struct {
	Path string      // from the root folder, with slashes; any bytes but NUL
	Mode fs.FileMode // fs.ModeSymlink for a link, fs.ModeIrregular for a submodule
	Hash Hash        // of the content; of a commit elsewhere for a submodule
}

// List is all that is below a folder ("." is the root), in the order of a tree,
// without the folders themselves. It brings no file's content. A folder that
// does not exist is an error that is fs.ErrNotExist.
func (t *Tip) List(ctx context.Context, dir string) ([]Entry, error) {
	if err := t.bring(ctx, []string{dir}, packp.FilterBlobNone()); err != nil {
		return nil, err
	}
	top, err := t.at(ctx, dir)
	if err != nil {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: err}
	}
	if !top.isDir() {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: errors.New("not a folder")}
	}
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	var entries []Entry
	err = t.walk(top.hash, prefix, &counter{what: "folder " + dir, max: t.remote.bounds.entries}, func(e Entry) { entries = append(entries, e) })
	return entries, t.remote.fault(ctx, err)
}

// counter counts entries of folders: a few small trees, each many times in the next, can
// make more of them than anybody can list.
type counter struct {
	what   string
	n, max int
}

func (c *counter) add(n int) error {
	if c.n += n; c.n > c.max {
		return &limit.Error{What: c.what, Max: int64(c.max), Unit: "entries"}
	}
	return nil
}

// walk visits what is below a tree that is here.
func (t *Tip) walk(h Hash, prefix string, count *counter, visit func(Entry)) error {
	tree, err := t.tree(h)
	if err != nil {
		return err
	}
	if err := count.add(len(tree.entries)); err != nil {
		return err
	}
	for _, e := range tree.entries {
		if !e.isDir() {
			visit(Entry{prefix + e.name, e.fileMode(), e.hash})
		} else if err := t.walk(e.hash, prefix+e.name+"/", count, visit); err != nil {
			return err
		}
	}
	return nil
}

// bring is bringEach for one tip.
func (t *Tip) bring(ctx context.Context, paths []string, filter packp.Filter) error {
	return t.bringEach(ctx, []Part{{t, paths}}, filter)
}

// bringEach goes down all paths level by level, with one request a level, and then
// fetches all that was found at their ends, in and below it, but for filter. The
// parts are of one Remote, and of one Log if any is.
func (t *Tip) bringEach(ctx context.Context, parts []Part, filter packp.Filter) error {
	type step struct {
		entry treeEntry
		rest  []string
	}
	var steps []step
	for _, part := range parts {
		root := treeEntry{mode: modeDir, hash: part.Tip.Tree}
		for _, p := range part.Paths {
			if !fs.ValidPath(p) {
				return &fs.PathError{Op: "fetch", Path: p, Err: fs.ErrInvalid}
			}
			if p == "." {
				steps = append(steps, step{root, nil})
			} else {
				steps = append(steps, step{root, strings.Split(p, "/")})
			}
		}
	}
	var ends []Hash
	seen := map[Hash]bool{}
	for len(steps) > 0 {
		var level []Hash
		for _, s := range steps {
			if len(s.rest) > 0 {
				level = append(level, s.entry.hash)
			}
		}
		if err := t.want(ctx, level, filters[byTree]); err != nil {
			return t.remote.fault(ctx, err)
		}
		var below []step
		for _, s := range steps {
			if len(s.rest) == 0 {
				missing, err := t.missing(s.entry, filter == "", seen)
				if err != nil {
					return t.remote.fault(ctx, err)
				}
				ends = append(ends, missing...)
				continue
			}
			tree, err := t.tree(s.entry.hash)
			if err != nil {
				return t.remote.fault(ctx, err)
			}
			if e, ok := tree.find(s.rest[0]); ok && (len(s.rest) == 1 || e.isDir()) {
				below = append(below, step{e, s.rest[1:]})
			}
		}
		steps = below
	}
	return t.remote.fault(ctx, t.want(ctx, ends, filter))
}

// missing is what has to be asked for, so that all in and below e is here; trees that are
// in seen have been looked into.
func (t *Tip) missing(e treeEntry, blobs bool, seen map[Hash]bool) ([]Hash, error) {
	switch {
	case e.hasBlob() && !blobs, !e.hasBlob() && !e.isDir():
		return nil, nil
	case !t.has(e.hash):
		return []Hash{e.hash}, nil
	case e.hasBlob(), seen[e.hash]:
		return nil, nil
	}
	seen[e.hash] = true
	tree, err := t.tree(e.hash)
	if err != nil {
		return nil, err
	}
	var all []Hash
	for _, below := range tree.entries {
		missing, err := t.missing(below, blobs, seen)
		if err != nil {
			return nil, err
		}
		all = append(all, missing...)
	}
	return all, nil
}

// at finds what is at path, and brings the folders above it.
func (t *Tip) at(ctx context.Context, path string) (treeEntry, error) {
	e := treeEntry{mode: modeDir, name: ".", hash: t.Tree}
	if path == "." {
		return e, nil
	}
	for name := range strings.SplitSeq(path, "/") {
		if e.fileMode()&fs.ModeSymlink != 0 {
			return e, repo.ErrLink
		}
		if !e.isDir() {
			return e, fs.ErrNotExist
		}
		if err := t.want(ctx, []Hash{e.hash}, filters[byTree]); err != nil {
			return e, t.remote.fault(ctx, err)
		}
		tree, err := t.tree(e.hash)
		if err != nil {
			return e, err
		}
		var ok bool
		if e, ok = tree.find(name); !ok {
			return e, fs.ErrNotExist
		}
	}
	return e, nil
}
