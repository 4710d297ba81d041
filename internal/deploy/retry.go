package deploy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/httpclient"
	"k8srepo/internal/problem"
)

// run is what one Run of a Deployment remembers from attempt to attempt.
type run struct {
	*Deployment
	attempts int
	inTheWay bool            // over the API: a branch was there that nobody had looked for
	started  time.Time       // the last of them
	verified map[string]bool // images that are in their registries
	waited   time.Duration

	unanswered []sent       // pushes of which nobody knows whether they landed
	refusedAt  gitrepo.Hash // the tip that a push was last rejected on
	refusals   int          // how many were, on that tip

	unreachable int // attempts, one after the other, that no server was there for
}

// sent is a push that got no answer.
type sent struct {
	plan   *Outcome
	commit *gitrepo.Commit
}

// A lost race is run again: so often, and no longer than Run's context allows.
const (
	mostAttempts = 15
	firstWait    = 50 * time.Millisecond
	longestWait  = 8 * time.Second

	// mostRefusals is how often a push to one and the same tip is rejected, in
	// words that name no rule, until the answer is taken for no. It is not the
	// first time: whoever is faster locks the branch before it moves.
	mostRefusals = 4
	// deepest is how far back a push without an answer is looked for.
	deepest = 200
)

// landed is the outcome of a push that got no answer, where it did land: on the
// tip, or with other commits on top. Whatever runs now, the work was done, and
// doing it again would undo what came after it. It is nil where there is none.
func (r *run) landed(ctx context.Context, tip *gitrepo.Tip) (*Outcome, error) {
	for _, s := range r.unanswered {
		if s.plan.Branch != tip.Branch {
			continue
		}
		landed, err := tip.Follows(ctx, s.commit.Hash, deepest)
		if err != nil {
			return nil, err
		}
		if landed {
			return s.plan, nil
		}
	}
	return nil, nil
}

// unansweredOn is the commit that was pushed on this very tip without an answer:
// it is pushed again, rather than another like it. It is nil where there is none.
func (r *run) unansweredOn(tip *gitrepo.Tip) *gitrepo.Commit {
	for _, s := range r.unanswered {
		if s.commit.Parent == tip.Hash && s.plan.Branch == tip.Branch {
			return s.commit
		}
	}
	return nil
}

// rejected counts the pushes to a tip that were rejected.
func (r *run) rejected(tip *gitrepo.Tip) {
	if r.refusedAt != tip.Hash {
		r.refusedAt, r.refusals = tip.Hash, 0
	}
	r.refusals++
}

// pause waits before the next attempt; the error says why there is none.
func (r *run) pause(ctx context.Context, err error) error {
	after, again := gitrepo.Retry(err)
	again = again && r.refusals < mostRefusals || errors.Is(err, github.ErrHeadMoved) || errors.Is(err, github.ErrBranchExists) || errors.Is(err, github.ErrUnknownHead)
	switch ended := ctx.Err(); {
	case ended != nil && (again || errors.Is(err, ended)):
		return r.ended(ended, err)
	case !again:
		return err
	case r.attempts == mostAttempts:
		return r.gaveUp(fmt.Sprintf("gave up after %d attempts: ", mostAttempts), err)
	}
	wait := after + rand.N(r.longest(ctx, err))
	if httpclient.IsUnreachable(err) {
		if r.unreachable++; r.unreachable == httpclient.MaxUnreachable {
			return r.noServer(err)
		}
		wait = httpclient.UnreachableBackoff(r.unreachable)
	} else {
		r.unreachable = 0
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		if after > 0 {
			return r.gaveUp(fmt.Sprintf("the server asks to be left alone for %v, and that is later than --timeout allows: ", after), err)
		}
		return r.ended(context.DeadlineExceeded, err)
	}
	r.tell("%s; attempt %d follows in %v", r.inShort(err), r.attempts+1, wait.Round(time.Millisecond))
	sleep := r.Sleep
	if sleep == nil {
		sleep = httpclient.Sleep
	}
	if ended := sleep(ctx, wait); ended != nil {
		return r.ended(ended, err)
	}
	r.waited += wait
	return nil
}

// noServer is the error of a server that takes no connections.
func (r *run) noServer(err error) error {
	if len(r.unanswered) > 0 {
		return r.gaveUp("", err)
	}
	return err
}

// longest is what a random part of is waited. It doubles with each attempt. Where
// races are lost, it starts from what an attempt takes: a server that is slow since
// everybody asks it at once must be asked less often, or nobody gets through. There
// should be time left for another attempt.
func (r *run) longest(ctx context.Context, err error) time.Duration {
	first := firstWait
	if lost(err) {
		first = max(first, time.Since(r.started))
	}
	longest := min(first<<min(r.attempts, 8), max(longestWait, 16*first))
	if deadline, ok := ctx.Deadline(); ok {
		longest = min(longest, time.Until(deadline)/2)
	}
	return max(longest, time.Millisecond)
}

// inShort is why an attempt came to nothing, in a line of progress.
func (r *run) inShort(err error) string {
	if lost(err) {
		return "somebody else pushed first"
	}
	return problem.All(err)[0].Message
}

// lost tells whether somebody else was faster.
func lost(err error) bool {
	var push *gitrepo.PushError
	return errors.Is(err, gitrepo.ErrMoved) || errors.Is(err, github.ErrHeadMoved) || errors.Is(err, github.ErrBranchExists) || errors.As(err, &push) && push.Kind == gitrepo.Rejected
}

// ended is the error of a context that is done, by its deadline or by a signal.
func (r *run) ended(by, last error) error {
	if errors.Is(by, context.DeadlineExceeded) {
		return r.gaveUp(fmt.Sprintf("gave up after %s, for --timeout: ", times(r.attempts)), last)
	}
	return problem.New(r.whatIsThere(), "interrupted")
}

// gaveUp is the last error of several, each of which trying again might have mended.
func (r *run) gaveUp(why string, last error) error {
	p := *problem.All(last)[0]
	p.Message = why + p.Message
	p.Hint = r.whatIsThere() + ", or allow it more time with --timeout"
	p.Refused = lost(last) // and not in the dark
	return &p
}

// whatIsThere is what the branch has of the work, for somebody who must decide
// what to do now.
func (r *run) whatIsThere() string {
	if len(r.unanswered) > 0 {
		return "a commit was pushed and no answer came: it is on the branch whole, or not at all; run it again to be sure"
	}
	return "nothing was pushed: run it again"
}

func times(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}
