package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
)

// mode is how much a server must be asked for at once, best first.
type mode int

const (
	byTree mode = iota // single trees and blobs
	byBlob             // all trees, then single blobs
	whole              // all of the tip
)

// filters leave out what a first fetch need not have.
var filters = [...]packp.Filter{byTree: packp.FilterTreeDepth(0), byBlob: packp.FilterBlobNone(), whole: ""}

// fetchCommit fetches the commit, in the leanest mode that the server
// takes; the remote remembers the mode.
func (c *Commit) fetchCommit(ctx context.Context) error {
	r := c.remote
	// Servers that filter but do not serve objects by their hash would leave us
	// without the rest.
	if !r.offer.Supports(capability.Filter) || !r.offer.Supports(capability.AllowReachableSHA1InWant) {
		r.mode = whole
	}
	if r.has(c.Hash) {
		return nil // the branch has not moved since it was last read
	}
	for m := r.mode; ; m++ {
		err := c.requestTip(ctx, m)
		var refused *refusedError
		if errors.As(err, &refused) && m < whole {
			continue
		}
		return c.moved(ctx, err)
	}
}

// requestTip asks for the tip in a mode, and remembers the mode if it works.
// What a tip has that is here is left out.
func (c *Commit) requestTip(ctx context.Context, m mode) error {
	r := c.remote
	base := r.base
	if m != r.mode {
		base = Hash{}
	}
	err := error(nil)
	switch f := (fetchRequest{wants: []Hash{c.Hash}, depth: 1, filter: filters[m]}); {
	case base.IsZero():
		err = r.fetch(ctx, f)
	case m == byTree:
		err = c.requestSince(ctx, base)
	default:
		f.have, f.shallow = []Hash{base}, []Hash{base} // all that the filter leaves of it is here
		err = r.fetch(ctx, f)
	}
	if err != nil {
		return err
	}
	r.mode, r.base = m, c.Hash
	return nil
}

// requestSince fetches the commit and the trees that have come since base. It claims to have all
// of base: what of that is not here comes by its hash when it is needed. For the same reason the
// server must not send differences to what base has, as it does with thin packs.
func (c *Commit) requestSince(ctx context.Context, base Hash) error {
	if err := c.remote.exchange(ctx, fetchRequest{wants: []Hash{c.Hash}, have: []Hash{base}, filter: filters[byBlob]}); err != nil {
		return err
	}
	if !c.remote.has(c.Hash) { // moved back by force: base has it
		return c.remote.fetch(ctx, fetchRequest{wants: []Hash{c.Hash}, depth: 1, filter: filters[byTree]})
	}
	return nil
}

// fetchObjects fetches the objects with these hashes, and what is in and below them
// unless filter leaves it out. A server that does not serve them is asked for
// the whole tip, now and from then on.
func (c *Commit) fetchObjects(ctx context.Context, hashes []Hash, filter packp.Filter) error {
	r := c.remote
	seen := map[Hash]bool{}
	hashes = slices.DeleteFunc(hashes, func(h Hash) bool {
		again := seen[h]
		seen[h] = true
		return again || r.has(h)
	})
	if len(hashes) == 0 {
		return nil
	}
	if r.mode != whole {
		err := r.fetch(ctx, fetchRequest{wants: hashes, filter: filter})
		var refused *refusedError
		if !errors.As(err, &refused) {
			return err
		}
	}
	if err := c.requestWhole(ctx); err != nil {
		return c.moved(ctx, err)
	}
	return r.check(hashes)
}

// requestWhole asks for everything in the tip, or in the log that it is of.
func (c *Commit) requestWhole(ctx context.Context) error {
	if c.line == nil {
		return c.requestTip(ctx, whole)
	}
	c.remote.mode = whole
	return c.line.tip.deepen(ctx, c.line.depth+1)
}

// moved explains why the server refuses to serve the tip: it does so once the
// branch has been moved elsewhere by force, and only reading the branch again
// can tell.
func (c *Commit) moved(ctx context.Context, err error) error {
	var refused *refusedError
	if !errors.As(err, &refused) {
		return err
	}
	branches, again := c.remote.Branches(ctx)
	if again != nil || branches[c.Branch] == c.Hash {
		return err
	}
	return &fault{Problem: problem.New("", "%s: branch %s moved while it was read", c.remote.url, c.Branch), Kind: ErrMoved, Cause: err}
}

// fetchRequest is what one request asks for.
type fetchRequest struct {
	wants   []Hash
	have    []Hash // commits; all that the filter leaves of them is here, unless depth is 0
	shallow []Hash // the commits of have, and before them, whose parents are not here
	depth   int    // of the history; 0 is no limit, which is right for trees and blobs
	filter  packp.Filter
}

// fetch makes a request, and makes sure that the server sent what it was asked for.
func (r *Remote) fetch(ctx context.Context, f fetchRequest) error {
	if err := r.exchange(ctx, f); err != nil {
		return err
	}
	return r.check(f.wants)
}

// exchange makes a request, and stores what the server sends.
func (r *Remote) exchange(ctx context.Context, f fetchRequest) error {
	req := packp.NewUploadPackRequest()
	req.Wants, req.Haves, req.Shallows = f.wants, f.have, f.shallow
	req.Depth, req.Filter = packp.DepthCommits(f.depth), f.filter
	take := []capability.Capability{capability.Sideband64k, capability.OFSDelta, capability.NoProgress}
	if f.depth > 0 || len(f.shallow) > 0 {
		take = append(take, capability.Shallow)
	}
	if f.depth > 0 && len(f.have) > 0 {
		take = append(take, capability.ThinPack) // else Git leaves nothing out, as no history joins the two
	}
	if f.filter != "" {
		take = append(take, capability.Filter)
	}
	r.agree(req.Capabilities, r.offer, take...)
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
	answer, err := r.wire.ask(ctx, uploadPack, message.Bytes())
	if err != nil {
		return err
	}
	defer answer.Close()
	bounded := limit.NewReader(answer, r.bounds.pack, "the server's pack")
	res := packp.NewUploadPackResponse(req)
	if err := res.Decode(io.NopCloser(bounded)); err != nil {
		return garbled(cmp.Or(bounded.Over(), err), "the server's answer")
	}
	defer res.Close()
	var pack io.Reader = res
	if req.Capabilities.Supports(capability.Sideband64k) {
		pack = newDemux(res, io.Discard)
	}
	if err := r.readPack(ctx, pack); err != nil {
		return garbled(cmp.Or(bounded.Over(), err), "the objects")
	}
	io.Copy(io.Discard, pack) // the end of the side band
	return nil
}

// check makes sure that the server sent what it was asked for.
func (r *Remote) check(wants []Hash) error {
	for _, h := range wants {
		switch {
		case r.has(h):
		case r.leftOut: // it is one of those, or the difference to one
			return limit.FileError("object " + h.String())
		default:
			return fmt.Errorf("the server did not send object %s", h)
		}
	}
	return nil
}
