package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/memory"

	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// PushKind is what became of a push.
type PushKind int

const (
	// Moved: nothing was sent, because the branch, read again, is not where it
	// should be. The error is ErrMoved.
	Moved PushKind = iota + 1
	// Rejected: the server did not take the new commit, and its words do not
	// say whether it ever will. Read the branch again: if it has moved, start
	// over from its tip; if not, the refusal stands.
	Rejected
	// Declined: a rule of the server forbids it: a protected branch, a hook.
	Declined
	// Unknown: the commit was sent and no answer came. Read the branch again
	// to learn whether it landed.
	Unknown
)

func (k PushKind) String() string {
	switch k {
	case Moved:
		return "moved"
	case Rejected:
		return "rejected"
	case Declined:
		return "declined"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("PushKind(%d)", int(k))
}

// PushError is a push that did not take place, or of which nobody knows. Errors
// of a push that are not a PushError came before anything was sent.
type PushError struct {
	Kind   PushKind
	Branch string
	At     Hash   // where the branch was seen; zero if it was not there. Set for Moved only
	Reason string // the server's word for the branch; may be empty
	Remote string // what the server said beside it, such as a hook's output; may be empty

	*fault
}

func (e *PushError) retryAfter() time.Duration {
	var status *StatusError
	if errors.As(e, &status) {
		return status.RetryAfter
	}
	return 0
}

// Push sets branch to commit, if the branch is at old; a zero old means that
// there must be no such branch. It is one compare-and-swap in the server: no
// other push is ever undone. Where old is not the commit's parent, commits are
// taken off the branch, as git push --force-with-lease=branch:old does. A
// branch that already is at commit is fine, so that a Push of which nobody
// knows can be done again.
func (r *Remote) Push(ctx context.Context, branch string, old Hash, commit *PendingCommit) error {
	return r.update(ctx, branch, old, commit.Hash, commit.objects)
}

// Delete removes branch, if it is at old. A branch that is not there is fine.
func (r *Remote) Delete(ctx context.Context, branch string, old Hash) error {
	return r.update(ctx, branch, old, Hash{}, nil)
}

// update sets branch from one commit to another; the zero Hash stands for no branch.
func (r *Remote) update(ctx context.Context, branch string, old, new Hash, objects []plumbing.EncodedObject) error {
	name := plumbing.NewBranchReferenceName(branch)
	if err := name.Validate(); err != nil {
		return problem.New("see man git-check-ref-format", "%q cannot be the name of a branch", branch)
	}
	refs, err := r.pushable(ctx, name, old)
	if err != nil {
		return err
	}
	switch at := refs.References[name.String()]; {
	case at == new:
		return nil
	case at != old:
		p := problem.New("", "%s: branch %s is at %s, and not at %s any more", r.url, branch, short(at), short(old))
		return &PushError{Kind: Moved, Branch: branch, At: at, fault: &fault{Problem: p, Kind: ErrMoved}}
	}
	request, err := r.pushRequest(refs.Capabilities, name, old, new, objects)
	if err != nil {
		return err
	}
	answer, err := r.wire.ask(ctx, receivePack, request)
	if err != nil {
		var status *StatusError
		if errors.As(err, &status) && status.Code < 500 {
			return r.fault(ctx, err) // the server did not look at the request
		}
		return r.unknown(ctx, branch, err)
	}
	defer answer.Close()
	said := &tail{}
	var report io.Reader = limit.NewReader(answer, r.bounds.answer, "the server's report")
	if refs.Capabilities.Supports(capability.Sideband64k) {
		report = newDemux(report, said)
	}
	status := packp.NewReportStatus()
	if err := status.Decode(report); err != nil {
		err = garbled(err, "the server's report")
		if refused := (*refusedError)(nil); errors.As(err, &refused) && !refused.midway {
			return r.refused(branch, refused.text, said.String())
		}
		return r.unknown(ctx, branch, err)
	}
	io.Copy(io.Discard, report) // the words of hooks, up to the end of the side band
	return r.verdict(branch, status, said.String())
}

// TipToPush is Tip for a branch that a commit is likely to be pushed to. Over HTTP the
// references that can be pushed to are asked for before Push needs them: the first time beside
// those that can be read, with no error reported, since Push asks again; later in their place,
// since they say where the branch is, too.
func (r *Remote) TipToPush(ctx context.Context, branch string) (*Commit, error) {
	aside := r.wire.aside()
	if aside == nil {
		return r.Tip(ctx, branch)
	}
	if r.early != nil {
		select {
		case _, ok := <-r.early:
			if !ok {
				return r.Tip(ctx, branch) // it failed
			}
			r.early, r.receives = nil, true
		default:
			return r.Tip(ctx, branch) // it has no answer yet
		}
	}
	r.early = make(chan *packp.AdvRefs, 1)
	if r.offer == nil || !r.receives {
		go r.askEarly(ctx, aside, r.early)
		return r.Tip(ctx, branch)
	}
	refs, err := r.advertised(ctx, receivePack)
	if err != nil {
		close(r.early)
		return nil, err
	}
	r.early <- refs
	branch = cmp.Or(branch, r.home)
	if at, ok := refs.References[branchPrefix+branch]; ok {
		return r.tipAt(ctx, branch, at)
	}
	return r.Tip(ctx, branch)
}

// askEarly asks for the references that can be pushed to, beside other requests. Where it fails,
// the channel is closed.
func (r *Remote) askEarly(ctx context.Context, aside wire, early chan<- *packp.AdvRefs) {
	own := &Remote{url: r.url, wire: aside, agent: r.agent, secrets: r.secrets, bounds: r.bounds}
	if refs, err := own.advertised(ctx, receivePack); err == nil {
		early <- refs
		return
	}
	close(early)
}

// pushable returns the references that can be pushed to. What was asked for early is only good
// for going on: that the branch is elsewhere is known by asking now.
func (r *Remote) pushable(ctx context.Context, name plumbing.ReferenceName, old Hash) (*packp.AdvRefs, error) {
	if early := r.early; early != nil {
		r.early = nil
		refs, ok := <-early
		r.receives = r.receives || ok
		if ok && refs.References[name.String()] == old {
			return refs, nil
		}
	}
	refs, err := r.advertised(ctx, receivePack)
	r.receives = r.receives || err == nil
	return refs, err
}

func short(h Hash) string {
	if h.IsZero() {
		return "no commit"
	}
	return h.String()[:10]
}

// pushRequest returns the command and the pack. The pack holds whole objects: a
// delta might be against one that the server has and we do not.
func (r *Remote) pushRequest(offer *capability.List, name plumbing.ReferenceName, old, new Hash, objects []plumbing.EncodedObject) ([]byte, error) {
	req := packp.NewReferenceUpdateRequest()
	req.Commands = []*packp.Command{{Name: name, Old: old, New: new}}
	switch {
	case !offer.Supports(capability.ReportStatus):
		return nil, problem.New("", "%s: the server does not report what becomes of a push", r.url)
	case new.IsZero() && !offer.Supports(capability.DeleteRefs):
		return nil, problem.New("delete it there", "%s: the server lets nobody delete branches", r.url)
	}
	r.agree(req.Capabilities, offer, capability.ReportStatus, capability.Sideband64k, capability.DeleteRefs)
	var message bytes.Buffer
	if err := req.Encode(&message); err != nil {
		return nil, err
	}
	if new.IsZero() {
		return message.Bytes(), nil
	}
	store := memory.NewStorage()
	hashes := make([]Hash, len(objects))
	for i, o := range objects {
		hashes[i] = o.Hash()
		if _, err := store.SetEncodedObject(o); err != nil {
			return nil, err
		}
	}
	const noDeltas = 0
	if _, err := packfile.NewEncoder(&message, store, false).Encode(hashes, noDeltas); err != nil {
		return nil, err
	}
	return message.Bytes(), nil
}

// unknown returns a push whose fate is not known.
func (r *Remote) unknown(ctx context.Context, branch string, err error) error {
	f := &fault{}
	errors.As(r.fault(ctx, err), &f)
	f.Kind = repo.ErrOutcomeUnknown
	f.Problem = problem.New("read the branch again to see whether the commit landed",
		"%s (the push to %s may have landed)", f.Problem.Message, branch)
	return &PushError{Kind: Unknown, Branch: branch, fault: f}
}

// verdict returns what the server's report means.
func (r *Remote) verdict(branch string, report *packp.ReportStatus, said string) error {
	reason := ""
	if report.UnpackStatus != "ok" {
		reason = "unpack: " + report.UnpackStatus
	}
	name := plumbing.NewBranchReferenceName(branch)
	i := slices.IndexFunc(report.CommandStatuses, func(c *packp.CommandStatus) bool { return c.ReferenceName == name })
	switch {
	case i < 0 && reason == "":
		reason = "the report does not name the branch"
	case i >= 0 && report.CommandStatuses[i].Status != "ok":
		if reason == "" {
			reason = report.CommandStatuses[i].Status
		}
	case reason == "":
		return nil
	}
	return r.refused(branch, reason, said)
}

// refused returns a push that the server refused with these words.
func (r *Remote) refused(branch, reason, said string) error {
	e := &PushError{Kind: Rejected, Branch: branch, Reason: r.clean(reason), Remote: r.clean(said)}
	text := fmt.Sprintf("%s: the push to %s was refused: %s", r.url, branch, e.Reason)
	if e.Remote != "" {
		text += " (" + e.Remote + ")"
	}
	hint, protected := declined(reason, said)
	if hint != "" {
		e.Kind = Declined
	}
	e.fault = &fault{Problem: problem.Refuse(hint, "%s", text)}
	switch {
	case e.Kind == Rejected:
		e.fault.Kind = repo.ErrRejected
	case protected:
		e.fault.Kind = repo.ErrProtected
	}
	return e
}
