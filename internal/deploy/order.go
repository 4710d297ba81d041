package deploy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// order takes the images out of a result that would go back in history, so that
// older never replaces newer. A tag that is no commit's hash, or a service whose
// history nobody knows, is let through, and that is said. What cannot be told is
// refused.
type order struct {
	request *bump.Request
	history func(t bump.Target) History // nil, or nil for a target, where unknown
	force   bool
	notices []string
}

// hashTag is a tag that names a commit: its hash, perhaps shortened, perhaps with
// the sha- before it that docker/metadata-action puts there.
var hashTag = regexp.MustCompile(`^(?:sha-)?([0-9a-f]{7,64})$`)

// hashOf is the hash in a tag; "" is none.
func hashOf(tag string) string {
	if m := hashTag.FindStringSubmatch(tag); m != nil {
		return m[1]
	}
	return ""
}

// newer tells of each image that changes, by the reference that it has now,
// whether it may. Every refusal is in the error.
func (o *order) newer(ctx context.Context, result *bump.Result) (map[string]bool, error) {
	newer := map[string]bool{}
	var refusals problem.List
	for _, i := range result.Images {
		ref := i.Old.String()
		if _, asked := newer[ref]; asked || !i.Changed() {
			continue
		}
		ok, err := o.mayReplace(ctx, *o.request.Target(i.Old), i.Old)
		if refused := (*problem.Problem)(nil); err != nil && !(errors.As(err, &refused) && refused.Refused) {
			return nil, err // it may pass: keep what it is
		}
		refusals.Add(err)
		newer[ref] = ok
	}
	return newer, refusals.Err()
}

// mayReplace tells whether the request's tag may replace a running one.
func (o *order) mayReplace(ctx context.Context, t bump.Target, running image.Ref) (bool, error) {
	from, to := hashOf(running.Tag), hashOf(o.request.Tag)
	switch {
	case o.force, o.request.Tag != "" && o.request.Tag == running.Tag:
		return true, nil
	case o.request.Tag == "":
		o.notice("%s: a digest says nothing about its age, so it may be older than what runs", t.Name())
		return true, nil
	case to == "":
		o.notice("%s: %s is no commit hash, so it may be older than what runs", t.Name(), o.request.Tag)
		return true, nil
	case from == "":
		o.notice("%s: %s, which runs, is no commit hash, so it may be newer than %s", t.Name(), running.TagOrDigest(), o.request.Tag)
		return true, nil
	}
	relation, err := o.relation(ctx, t, from, to)
	if err != nil {
		return false, err
	}
	force := "to deploy it anyway, pass --force"
	clone := "a clone that has it is made with fetch-depth: 0; "
	switch relation {
	case NotKnown:
		o.notice("%s: nothing is known of its commits, so %s may be older than what runs; say --app-repo, or give it a repository in users.yaml", t.Name(), o.request.Tag)
		return true, nil
	case NoHash:
		o.notice("%s: %s and %s are taken for numbers, not for commits, so the new one may be the older one", t.Name(), running.Tag, o.request.Tag)
		return true, nil
	case Ahead:
		return true, nil
	case Behind:
		return false, nil
	case TestMerge:
		return false, problem.Refuse("build and tag github.event.pull_request.head.sha, or deploy after the merge; "+force,
			"%s: %s is GitHub's test merge of a pull request: no branch has it", t.Name(), o.request.Tag)
	case Diverged:
		return false, problem.Refuse(force, "%s: %s and %s, which runs, are on branches that have parted: neither is newer", t.Name(), o.request.Tag, running.Tag)
	case CutOff:
		return false, problem.Refuse("check the service out with fetch-depth: 0; "+force, "%s: the clone is shallow: its history ends before it tells whether %s is newer than %s, which runs", t.Name(), o.request.Tag, running.Tag)
	case OldUnknown:
		return false, problem.Refuse(clone+force, "%s: %s, which runs, is no commit of the service's repository", t.Name(), running.Tag)
	}
	return false, problem.Refuse("is it pushed? In a workflow on pull_request, GITHUB_SHA is a test merge that no branch has: take github.event.pull_request.head.sha; "+clone+force, "%s: %s is no commit of the service's repository", t.Name(), o.request.Tag)
}

func (o *order) relation(ctx context.Context, t bump.Target, running, next string) (Relation, error) {
	if o.history == nil {
		return NotKnown, nil
	}
	history := o.history(t)
	if history == nil {
		return NotKnown, nil
	}
	relation, err := history.Relation(ctx, running, next)
	if unknown := relation == OldUnknown || relation == NewUnknown; unknown && isNumber(running) && isNumber(next) {
		return NoHash, err
	}
	return relation, err
}

// isNumber tells whether what may be a short hash is rather a build's number or a
// date: fewer than one in thirty short hashes have no letter.
func isNumber(hash string) bool {
	return len(hash) < 16 && strings.Trim(hash, "0123456789") == ""
}

func (o *order) notice(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(o.notices, text) {
		o.notices = append(o.notices, text)
	}
}

// isRefusal reports whether an error is an answer of no, rather than that it could not
// be told.
func isRefusal(err error) bool { return problem.ExitStatus(err) == problem.ExitRefused }
