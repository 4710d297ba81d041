package deploy

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// Relation is how one commit stands to another in the history of a service.
type Relation int

// The relations of a new tag to the one that runs.
const (
	Ahead      Relation = iota + 1 // the new one descends from it, or is the same commit
	Behind                         // the running one descends from the new one
	Diverged                       // neither descends from the other
	OldUnknown                     // the running one is not to be found
	NewUnknown                     // the new one is not to be found
)

// History is a service's commits. Hashes may be short.
type History interface {
	Relation(ctx context.Context, running, next string) (Relation, error)
}

// commitHash is a tag that names a commit: a hash, perhaps shortened.
var commitHash = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// order takes the images out of a result that would go back in history, so that
// older never replaces newer. A tag that is no commit's hash, or a service whose
// history nobody knows, is let through, and that is said. What cannot be told is
// refused.
type order struct {
	request   *Request
	histories func(ctx context.Context, t Target) (History, error) // nil, nil where unknown
	force     bool

	known   map[string]Relation
	Notices []string
}

func (o *order) notice(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(o.Notices, text) {
		o.Notices = append(o.Notices, text)
	}
}

// newer tells whether an image of a target may be moved to the request's tag.
func (o *order) newer(ctx context.Context, t Target, running image.Ref) (bool, error) {
	next := o.request.Tag
	switch {
	case o.force || running.Tag == next:
		return true, nil
	case !commitHash.MatchString(next):
		o.notice("%s: %s is no commit hash, so nothing keeps it from replacing something newer", t.Name(), next)
		return true, nil
	case !commitHash.MatchString(running.Tag):
		o.notice("%s: the running %s is no commit hash, so nothing keeps it from being replaced by something older", t.Name(), version(running))
		return true, nil
	}
	relation, err := o.relation(ctx, t, running.Tag, next)
	if err != nil {
		return false, err
	}
	hint := "if it is to be deployed all the same, say --force"
	switch relation {
	case 0:
		o.notice("%s: nothing is known of its commits, so %s may be older than the running %s: say --app-repo, or give it a repository in users.yaml", t.Name(), next, running.Tag)
		return true, nil
	case Ahead:
		return true, nil
	case Behind:
		return false, nil
	case Diverged:
		return false, problem.Refuse(hint, "%s: %s does not descend from the running %s: their histories have parted", t.Name(), next, running.Tag)
	case OldUnknown:
		return false, problem.Refuse("is the clone shallow? Check out with fetch-depth: 0; "+hint, "%s: the running %s is not in its repository's history", t.Name(), running.Tag)
	}
	return false, problem.Refuse("is it pushed? Is the clone shallow? Check out with fetch-depth: 0; "+hint, "%s: %s is not in its repository's history", t.Name(), next)
}

func (o *order) relation(ctx context.Context, t Target, running, next string) (Relation, error) {
	key := t.Name() + " " + running + " " + next
	if r, ok := o.known[key]; ok {
		return r, nil
	}
	history, err := o.histories(ctx, t)
	if err != nil || history == nil {
		return 0, err
	}
	r, err := history.Relation(ctx, running, next)
	if err == nil {
		o.known[key] = r
	}
	return r, err
}

// allowed are the images of a result that may move: each is asked about, and
// every refusal is in the error.
func (o *order) allowed(ctx context.Context, result *Result) (map[string]bool, error) {
	allowed := map[string]bool{}
	var problems problem.List
	for _, i := range result.Images {
		if !i.Changed() || allowed[i.Old.String()] {
			continue
		}
		ok, err := o.newer(ctx, *o.request.target(i.Old), i.Old)
		problems.Add(err)
		allowed[i.Old.String()] = ok
	}
	return allowed, problems.Err()
}

// version is what of a reference tells one version from another.
func version(ref image.Ref) string {
	return strings.TrimPrefix(strings.TrimPrefix(ref.Suffix(), ":"), "@")
}
