package deploy

import (
	"context"
	"time"

	"k8srepo/internal/repo"
)

// Store is the k8s repo, as a run needs it. gitrepo.Store reaches it over Git's
// protocol, github.Store over GitHub's API; nothing here asks which of the two it has.
type Store interface {
	// Tip reads the commit that a branch is at; "" is the default branch, and
	// repo.ErrNoBranch where there is none. Likely are files and folders that will be
	// read next: a store that can bring them in the same request does.
	Tip(ctx context.Context, branch string, likely ...string) (*repo.Commit, error)
	// Fetch brings files and folders of several commits at once.
	Fetch(ctx context.Context, parts ...repo.Part) error
	// Commit makes a commit and sets a branch to it by compare-and-swap. The hash is
	// returned with an error too, once there is one. repo.ErrMoved, repo.ErrRejected
	// and repo.ErrOutcomeUnknown may be mended by starting over.
	Commit(ctx context.Context, c repo.PendingCommit) (hash string, err error)
	// Landed reports whether a commit is the tip or one of its near ancestors.
	Landed(ctx context.Context, tip *repo.Commit, hash string) (bool, error)
	// DeleteBranch removes a branch that is at a commit. One that is not there is fine.
	DeleteBranch(ctx context.Context, branch, at string) error
	// Ancestry returns what joins two commits.
	Ancestry(ctx context.Context, base, head *repo.Commit) (*repo.Ancestry, error)
	// Log returns the newest part of a commit's log: see repo.Log.
	Log(ctx context.Context, c *repo.Commit, depth int, paths ...string) (*repo.Window, error)
	// Retry reports whether what failed may succeed if it is done again, and how long
	// the server wants to be left alone before that.
	Retry(err error) (after time.Duration, again bool)
	// Close ends what connections are kept.
	Close() error
}
