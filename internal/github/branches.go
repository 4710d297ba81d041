package github

import (
	"context"
	"errors"
	"strings"

	gh "github.com/google/go-github/v57/github"

	"k8srepo/internal/problem"
)

const (
	headsPrefix = "refs/heads/"
	noOid       = "0000000000000000000000000000000000000000" // a branch that is not there
)

// BranchUpdate moves a branch from one commit to another, whatever their
// histories. From is "" if there is to be none yet, To is "" to delete it.
type BranchUpdate struct{ Branch, From, To string }

// Branch returns the commit that a branch is at; ErrNotFound if there is none.
func (c *Client) Branch(ctx context.Context, repo Repo, branch string) (oid string, err error) {
	ref, _, err := c.rest.Git.GetRef(ctx, repo.Owner, repo.Name, headsPrefix+branch)
	if err == nil && ref.GetObject().GetSHA() == "" {
		err = errEmpty
	}
	if err != nil {
		return "", c.fault(ctx, call{repo, "reading branch " + branch, "contents=read"}, err)
	}
	return ref.GetObject().GetSHA(), nil
}

// Branches returns the names of all branches.
func (c *Client) Branches(ctx context.Context, repo Repo) ([]string, error) {
	refs, err := pages(func(page gh.ListOptions) ([]*gh.Reference, *gh.Response, error) {
		return c.rest.Git.ListMatchingRefs(ctx, repo.Owner, repo.Name, &gh.ReferenceListOptions{Ref: "heads/", ListOptions: page})
	})
	if err != nil {
		return nil, c.fault(ctx, call{repo, "listing the branches", "contents=read"}, err)
	}
	var names []string
	for _, ref := range refs {
		names = append(names, strings.TrimPrefix(ref.GetRef(), headsPrefix))
	}
	return names, nil
}

// UpdateBranches makes, moves and deletes branches: all of them, or none and
// ErrHeadMoved where one is not at the commit that it was to be moved from. A
// single new branch that is there already is ErrBranchExists.
//
// On servers without the mutation updateRefs the branches are read first and then updated
// one by one: what others push between the two is overwritten.
func (c *Client) UpdateBranches(ctx context.Context, repo Repo, updates ...BranchUpdate) error {
	switch {
	case len(updates) == 0:
		return nil
	case len(updates) == 1 && updates[0].From == "":
		return c.createBranch(ctx, repo, updates[0])
	}
	id, err := c.nodeID(ctx, repo)
	if err != nil {
		return err
	}
	type refUpdate struct {
		Name      string `json:"name"`
		BeforeOid string `json:"beforeOid"`
		AfterOid  string `json:"afterOid"`
		Force     bool   `json:"force"`
	}
	var refs []refUpdate
	for _, u := range updates {
		refs = append(refs, refUpdate{headsPrefix + u.Branch, orNone(u.From), orNone(u.To), true})
	}
	const document = `mutation($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId }
}`
	at := call{repo, "updating " + names(updates), "contents=write"}
	for try := 1; ; try++ {
		var ignored any
		err = c.query(repeatable(ctx), document, map[string]any{"input": map[string]any{"repositoryId": id, "refUpdates": refs}}, &ignored)
		if err = c.fault(ctx, at, err); err == nil {
			return nil
		}
		if errors.Is(err, errNoUpdateRefs) {
			return c.updateOneByOne(ctx, at, updates)
		}
		if errors.Is(err, ErrForbidden) || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrRateLimited) {
			return err
		}
		// The branches show whether it was done, or somebody else was first.
		done, moved, readErr := c.readBranches(ctx, repo, updates)
		switch {
		case readErr != nil:
			return err
		case done:
			return nil
		case moved != "":
			return movedError(at, moved, err)
		case !errors.Is(err, ErrInvalid) || try == 2:
			return err
		}
		// It was refused, and all branches are where they should be: one was elsewhere for a moment.
	}
}

// movedError returns the refusal to update a branch that somebody else has moved.
func movedError(at call, branch string, err error) error {
	return &fault{Problem: problem.New("start over from what it is now", "%s: %s: %s has moved", at.repo, at.doing, branch), Kind: ErrHeadMoved, Cause: err}
}

func orNone(oid string) string {
	if oid == "" {
		return noOid
	}
	return oid
}

func names(updates []BranchUpdate) string {
	var all []string
	for _, u := range updates {
		all = append(all, u.Branch)
	}
	return strings.Join(all, " and ")
}

// readBranches reads the branches of updates: whether all updates are done, and the first
// branch that is not at the commit where its update begins.
func (c *Client) readBranches(ctx context.Context, repo Repo, updates []BranchUpdate) (done bool, moved string, err error) {
	done = true
	for _, u := range updates {
		oid, err := c.Branch(ctx, repo, u.Branch)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, "", err
		}
		done = done && oid == u.To
		if oid != u.From && moved == "" {
			moved = u.Branch
		}
	}
	return done, moved, nil
}

// createBranch makes a branch. REST does it only where there is none.
func (c *Client) createBranch(ctx context.Context, repo Repo, u BranchUpdate) error {
	at := call{repo, "making branch " + u.Branch, "contents=write"}
	name := headsPrefix + u.Branch
	unknown := false // an attempt got no answer
	for try := 1; ; try++ {
		_, _, err := c.rest.Git.CreateRef(ctx, repo.Owner, repo.Name, &gh.Reference{Ref: &name, Object: &gh.GitObject{SHA: &u.To}})
		again := outcomeUnknown(err) && try < maxAttempts
		unknown = unknown || outcomeUnknown(err)
		err = c.fault(ctx, at, err)
		if unknown && err != nil {
			if oid, readErr := c.Branch(ctx, repo, u.Branch); readErr == nil && oid == u.To {
				return nil
			}
		}
		if !again {
			return err
		}
		if sleepErr := c.sleep(ctx, pause(err, try)); sleepErr != nil {
			return err
		}
	}
}

// updateOneByOne is UpdateBranches over REST.
func (c *Client) updateOneByOne(ctx context.Context, at call, updates []BranchUpdate) error {
	done, moved, err := c.readBranches(ctx, at.repo, updates)
	if done || err != nil {
		return err
	}
	if moved != "" {
		return movedError(at, moved, nil)
	}
	for _, u := range updates {
		name := headsPrefix + u.Branch
		switch {
		case u.From == "":
			err = c.createBranch(ctx, at.repo, u)
		case u.To == "":
			_, err = c.rest.Git.DeleteRef(ctx, at.repo.Owner, at.repo.Name, name)
			if errors.Is(c.fault(ctx, at, err), ErrNotFound) {
				err = nil // by our own first attempt, or by somebody who wanted the same
			}
		default:
			_, _, err = c.rest.Git.UpdateRef(repeatable(ctx), at.repo.Owner, at.repo.Name, &gh.Reference{Ref: &name, Object: &gh.GitObject{SHA: &u.To}}, true)
		}
		if err != nil {
			return c.fault(ctx, at, err)
		}
	}
	return nil
}

// DeleteBranch deletes a branch that is at a commit. That it is gone already is
// no error, that it has moved is ErrHeadMoved.
func (c *Client) DeleteBranch(ctx context.Context, repo Repo, branch, oid string) error {
	err := c.UpdateBranches(ctx, repo, BranchUpdate{Branch: branch, From: oid})
	if errors.Is(err, ErrHeadMoved) {
		if _, readErr := c.Branch(ctx, repo, branch); errors.Is(readErr, ErrNotFound) {
			return nil
		}
	}
	return err
}
