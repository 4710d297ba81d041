package deploy

import (
	"context"
	"errors"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

// Relation is how one commit stands to another in the history of a service.
type Relation int

// The relations of a new commit to the one that runs.
const (
	NotKnown     Relation = iota // there is no history to ask
	Ahead                        // the new one descends from it, or is the same
	Behind                       // the running one descends from the new one
	Diverged                     // neither descends from the other
	OldUnknown                   // the running tag names no commit
	NewUnknown                   // the new tag names no commit
	OldAmbiguous                 // the running tag names two commits
	NewAmbiguous                 // the new tag names two commits
	CutOff                       // the history ends before it is clear
	TestMerge                    // the new one is GitHub's test merge of a pull request
)

// testMerge is the message of the commit that GITHUB_SHA is in a workflow on pull_request:
// GitHub merges the pull request to see what comes of it, into refs/pull/N/merge. It
// descends from what runs, and no branch ever has it.
var testMerge = lazyregexp.New(`^Merge [0-9a-f]{40} into [0-9a-f]{40}\s*$`)

// settled reports whether nobody else need be asked.
func (r Relation) settled() bool { return r == Ahead || r == Behind || r == Diverged || r == TestMerge }

// History is a service's commits, as the tags of its images name them: by a hash anywhere
// in the tag, or by a Git tag of the same name.
type History interface {
	// Relation returns how the commit of the image's tag next stands to that of the
	// running one.
	Relation(ctx context.Context, running, next string) (Relation, error)
	// Between returns what lies between the commits of two image tags.
	Between(ctx context.Context, from, to string) (*Between, error)
}

// GitHistory is a History in Git: a clone on disk, or commits that were fetched.
type GitHistory struct{ *gitrepo.History }

// Relation returns how the commit of next stands to the running one.
func (h GitHistory) Relation(ctx context.Context, running, next string) (Relation, error) {
	to, err := commitIn(ctx, h, next)
	if err != nil || !to.isOne() {
		return to.unknown(NewUnknown, NewAmbiguous), err
	}
	head, _ := gitrepo.ParseHash(to.hash)
	if message, err := h.Message(head); err == nil && testMerge.MatchString(message) {
		return TestMerge, nil
	}
	from, err := commitIn(ctx, h, running)
	if err == nil && from.hash == "" && !from.two && h.Shallow() && running != "" {
		return CutOff, nil
	}
	if err != nil || !from.isOne() {
		return from.unknown(OldUnknown, OldAmbiguous), err
	}
	base, _ := gitrepo.ParseHash(from.hash)
	ahead, behind, err := h.Compare(ctx, head, base)
	switch {
	case errors.Is(err, gitrepo.ErrShallow):
		return CutOff, nil
	case err != nil:
		return NotKnown, err
	case ahead:
		return Ahead, nil
	case behind:
		return Behind, nil
	}
	return Diverged, nil
}

// unknown returns the relation where a tag names no commit, or two.
func (f found) unknown(none, two Relation) Relation {
	if f.two {
		return two
	}
	return none
}

func (h GitHistory) byHash(_ context.Context, prefix string) (string, error) {
	return hashOrNone(h.Resolve(prefix))
}

func (h GitHistory) byTag(_ context.Context, tag string) (string, error) {
	return hashOrNone(h.Tag(tag))
}

// hashOrNone returns a hash as text, "" where there is no commit.
func hashOrNone(hash gitrepo.Hash, err error) (string, error) {
	if errors.Is(err, gitrepo.ErrNoCommit) {
		return "", nil
	}
	return hash.String(), err
}

// FetchedHistory is a History that is fetched when it is first asked, and once
// more where it does not know a commit, which may have been pushed since.
type FetchedHistory struct {
	Fetch  func(ctx context.Context) (*gitrepo.History, error)
	known  *gitrepo.History
	missed map[string]bool // tags that Between fetched for, and that name no commit
}

// Relation returns how the commit of next stands to the running one.
func (h *FetchedHistory) Relation(ctx context.Context, running, next string) (Relation, error) {
	if h.known != nil {
		if relation, err := (GitHistory{h.known}).Relation(ctx, running, next); err != nil || relation.settled() {
			return relation, err
		}
	}
	fetched, err := h.Fetch(ctx)
	if err != nil {
		return NotKnown, &historyError{cause: err}
	}
	h.known = fetched
	return GitHistory{fetched}.Relation(ctx, running, next)
}

// Histories are asked in turn, until one knows both commits.
type Histories []History

// Relation returns the first answer that settles it, else the first answer.
func (hs Histories) Relation(ctx context.Context, running, next string) (Relation, error) {
	first := NotKnown
	for _, h := range hs {
		relation, err := h.Relation(ctx, running, next)
		if failed := (*historyError)(nil); first == CutOff && errors.As(err, &failed) {
			return relation, &historyError{failed.cause, true}
		}
		if err != nil || relation.settled() {
			return relation, err
		}
		if first == NotKnown {
			first = relation
		}
	}
	return first, nil
}

// historyError is a service's history that could not be fetched: a problem for
// people, and the error beneath for those who decide whether to try again.
type historyError struct {
	cause   error
	shallow bool // there is a clone, whose history ends too early
}

func (e *historyError) problem() *problem.Problem {
	p := *problem.All(e.cause)[0]
	p.Message = "cannot tell older from newer: " + p.Message
	if p.Hint != "" {
		p.Hint += "; "
	}
	if e.shallow {
		p.Message += " (and the clone is shallow: its history ends before it shows that)"
		p.Hint = "check the service out with fetch-depth: 0: then the clone shows it; " + p.Hint
	}
	p.Hint += "or name a clone of the service with --app-repo, or do without with --force"
	p.Refused = false
	return &p
}

func (e *historyError) Error() string        { return e.problem().Error() }
func (e *historyError) Unwrap() error        { return e.problem() }
func (e *historyError) Is(target error) bool { return errors.Is(e.cause, target) }
func (e *historyError) As(target any) bool {
	if _, shown := target.(**problem.Problem); shown {
		return false // Unwrap has it, with more to say
	}
	return errors.As(e.cause, target)
}
