package deploy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/httpclient"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// attempts is what a run remembers from one attempt to the next.
type attempts struct {
	count    int
	when     time.Time // of the commits: the same for all, so that one made again is the same
	started  time.Time // the last attempt
	waited   time.Duration
	verified map[string]bool // images that are in their registries

	branch         string     // that was pushed to last
	rejectedAt     string     // where it was when a push was last rejected; "" where it was not there
	rejections     int        // how many pushes were, with the branch there
	outcomeUnknown bool       // a push got no answer
	unanswered     []*Outcome // the plans of such pushes, but for those of proposals
	proposed       string     // the branch of a pull request that was pushed; "" for none
	outrun         bool       // another run moved that branch before its pull request was edited

	unreachable int // attempts, one after the other, that no server was there for

	shortest time.Duration // of the attempts that lost a race; 0 for none
}

// Limits of attempts. The context limits them too.
const (
	maxAttempts = 15
	firstWait   = 50 * time.Millisecond
	maxWait     = 8 * time.Second

	// maxRejections is how many rejections of a push to the same tip, in words that name
	// no rule, are taken for a refusal. Fewer may be another run's push, which locks the
	// branch before it moves.
	maxRejections = 4
)

func (a *attempts) begin() { a.count, a.started = a.count+1, time.Now() }

// sent notes what became of a push to a branch that was at a commit, "" where it was not there.
func (a *attempts) sent(branch, at string, err error) {
	if a.branch != branch || a.rejectedAt != at {
		a.branch, a.rejectedAt, a.rejections = branch, at, 0
	}
	if errors.Is(err, repo.ErrRejected) {
		a.rejections++
	}
	a.outcomeUnknown = a.outcomeUnknown || errors.Is(err, repo.ErrOutcomeUnknown)
}

// landed returns the outcome of a push that got no answer but did land: it is the tip, or an
// ancestor of it. It is nil where there is none. Doing such a change again would undo what
// others did after it.
func (a *attempts) landed(ctx context.Context, o *Options, b *base) (*Outcome, error) {
	for _, plan := range a.unanswered {
		if plan.Branch != b.Branch {
			continue
		}
		if landed, err := o.Store.Landed(ctx, b.Commit, plan.Commit); landed || err != nil {
			return plan, err
		}
	}
	return nil, nil
}

// wait waits before the next attempt; the error says why there is none.
func (a *attempts) wait(ctx context.Context, o *Options, err error) error {
	after, again := o.Store.Retry(err)
	again = again && a.rejections < maxRejections || startsOver(err)
	switch ended := ctx.Err(); {
	case ended != nil && (again || errors.Is(err, ended)):
		return a.ended(ended, err)
	case !again:
		return err
	case a.count == maxAttempts:
		return a.gaveUp(fmt.Sprintf("gave up after %d attempts: ", maxAttempts), err)
	}
	wait := after + rand.N(a.longest(ctx, raceLost(err), time.Since(a.started)))
	if httpclient.IsUnreachable(err) {
		if a.unreachable++; a.unreachable == httpclient.MaxUnreachable {
			return a.noServer(err)
		}
		wait = httpclient.UnreachableBackoff(a.unreachable)
	} else {
		a.unreachable = 0
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		if after > 0 {
			return a.gaveUp(fmt.Sprintf("the server asks to wait for %v, which is longer than --timeout allows: ", after), err)
		}
		return a.ended(context.DeadlineExceeded, err)
	}
	o.progress("%s; attempt %d follows in %v", inShort(err), a.count+1, wait.Round(time.Millisecond))
	sleep := o.Sleep
	if sleep == nil {
		sleep = httpclient.Sleep
	}
	if ended := sleep(ctx, wait); ended != nil {
		return a.ended(ended, err)
	}
	a.waited += wait
	return nil
}

// startsOver reports whether what failed was decided on a state that is past, or that GitHub does
// not show yet: the next attempt reads it anew.
func startsOver(err error) bool {
	return errors.Is(err, repo.ErrMoved) || errors.Is(err, github.ErrUnknownHead) || errors.Is(err, github.ErrPullRequestExists)
}

// noServer returns the error of a server that takes no connections.
func (a *attempts) noServer(err error) error {
	if a.outcomeUnknown || a.proposed != "" {
		return a.gaveUp("", err)
	}
	return err
}

// longest returns the longest time of which a random part is waited, after an attempt that
// took some time. It doubles with each attempt. Where races are lost, it starts from what the
// shortest of these attempts took: a server that is slow because everybody asks it at once must
// be asked less often, or nobody gets through. One slow answer does not mean that. There should
// be time left for another attempt.
func (a *attempts) longest(ctx context.Context, raceLost bool, took time.Duration) time.Duration {
	first := firstWait
	if raceLost {
		if a.shortest == 0 || took < a.shortest {
			a.shortest = took
		}
		first = max(first, a.shortest)
	}
	longest := min(first<<min(a.count, 8), max(maxWait, 16*first))
	if deadline, ok := ctx.Deadline(); ok {
		longest = min(longest, time.Until(deadline)/2)
	}
	return max(longest, time.Millisecond)
}

// inShort returns why an attempt failed, for a line of progress.
func inShort(err error) string {
	if raceLost(err) {
		return "somebody else pushed first"
	}
	return problem.All(err)[0].Message
}

// raceLost reports whether somebody else was faster.
func raceLost(err error) bool {
	return errors.Is(err, repo.ErrMoved) || errors.Is(err, repo.ErrRejected)
}

// ended returns the error of a context that is done, by its deadline or by a signal.
func (a *attempts) ended(by, last error) error {
	if errors.Is(by, context.DeadlineExceeded) {
		return a.gaveUp(fmt.Sprintf("gave up after %s, for --timeout: ", times(a.count)), last)
	}
	return problem.New(a.whatIsThere(), "interrupted")
}

// gaveUp returns the last error of several, each of which trying again might have mended.
func (a *attempts) gaveUp(why string, last error) error {
	p := *problem.All(last)[0]
	if raceLost(last) && a.branch != "" && a.count > 1 && a.rejections < 2 { // each time on another tip
		p.Message = "others pushed to " + a.branch + " first, each time"
	}
	p.Message = why + p.Message
	p.Hint = a.whatIsThere() + ", or allow it more time with --timeout"
	p.Refused = raceLost(last) // and the outcome is known
	return &p
}

// whatIsThere returns what the branch has of the work, for somebody who must decide
// what to do now.
func (a *attempts) whatIsThere() string {
	switch {
	case a.proposed != "":
		return "the branch " + a.proposed + " was pushed, and its pull request may not be up to date: run it again"
	case a.outcomeUnknown:
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
