package github

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/problem"
)

// PendingCommit is a commit to be made: files by path, each in whole, nil to delete
// it, and a message. Its author is the token's owner; GitHub signs it.
type PendingCommit struct {
	Files   map[string][]byte
	Message string // the first line is the headline
}

// Commit puts a commit on the tip's branch, which must still be at the tip:
// ErrHeadMoved if it is not. GitHub writes plain files only, so a change to an
// executable file or a link is refused.
func (t *Tip) Commit(ctx context.Context, n PendingCommit) (oid string, err error) {
	if err := t.writable(ctx, n); err != nil {
		return "", err
	}
	return t.client.commitOnBranch(ctx, t.Repo, t.Branch, t.OID, n)
}

// Propose sets a branch to one commit on the tip, for a pull request. The branch must be
// at was, or must not exist where was is "": else the error is ErrHeadMoved or
// ErrBranchExists. A branch that exists goes from was to the commit in one step. It is never
// at the tip in between, which would close its pull request.
func (t *Tip) Propose(ctx context.Context, branch, was string, n PendingCommit) (oid string, err error) {
	if err := t.writable(ctx, n); err != nil {
		return "", err
	}
	// GitHub makes commits on branches only. A new branch is made with its commit. For one
	// that exists, the commit is made on another branch, which then is exchanged for it.
	made := branch
	if was != "" {
		made = stagingPrefix + branch
	}
	oid, err = t.client.branchWithCommit(ctx, t.Repo, made, t.OID, n)
	if made != branch && errors.Is(err, ErrBranchExists) {
		if err := t.client.deleteLeftover(ctx, t.Repo, made); err != nil {
			return "", err
		}
		oid, err = t.client.branchWithCommit(ctx, t.Repo, made, t.OID, n)
	}
	if err == nil && was == "" || errors.Is(err, ErrHeadMoved) {
		return oid, err // where it failed, the branch that is there now is another run's
	}
	if err == nil {
		err = t.client.UpdateBranches(ctx, t.Repo, BranchUpdate{branch, was, oid}, BranchUpdate{Branch: made, From: oid})
		if err == nil {
			return oid, nil
		}
	}
	// Nothing is left behind, even if ctx is what ended it.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	left := oid
	if left == "" {
		now, ours, readErr := t.client.landed(after, t.Repo, made, t.OID, n)
		if readErr == nil && (now == t.OID || now == ours) {
			left = now
		}
	}
	if left != "" {
		_ = t.client.DeleteBranch(after, t.Repo, made, left)
	}
	return "", err
}

// stagingPrefix begins the names of branches on which a commit is made that is to replace
// another branch. Each branch has one such name, so that the next run finds what a killed
// run left over.
const stagingPrefix = "tagbump-next/"

// deleteLeftover deletes a branch that a killed run left over. A run that is using it now
// has a moment to finish.
func (c *Client) deleteLeftover(ctx context.Context, repo Repo, branch string) error {
	before, err := c.Branch(ctx, repo, branch)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.sleep(ctx, jitter(1)); err != nil {
		return err
	}
	return c.DeleteBranch(ctx, repo, branch, before)
}

// branchWithCommit makes a branch that is one commit on base, in one request if
// nothing is in the way.
func (c *Client) branchWithCommit(ctx context.Context, repo Repo, branch, base string, n PendingCommit) (oid string, err error) {
	id, err := c.nodeID(ctx, repo)
	if err != nil {
		return "", err
	}
	const document = `mutation($ref: CreateRefInput!, $commit: CreateCommitOnBranchInput!) {
  createRef(input: $ref) { ref { name } }
  createCommitOnBranch(input: $commit) { commit { oid } }
}`
	var answer committed
	err = c.query(ctx, document, map[string]any{
		"ref":    map[string]any{"repositoryId": id, "name": headsPrefix + branch, "oid": base},
		"commit": commitInput(repo, branch, base, n),
	}, &answer)
	if oid := answer.CreateCommitOnBranch.Commit.Oid; oid != "" {
		return oid, nil // GitHub makes it even if it refuses to make the branch, which was there, at base
	}
	at := call{repo, "making branch " + branch, "contents=write"}
	unknown := outcomeUnknown(err)
	if err = c.fault(ctx, at, err); ctx.Err() != nil || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden) || errors.Is(err, ErrRateLimited) {
		return "", err
	}
	// The branch shows how much of it was done; the rest is done in two steps.
	now, ours, readErr := c.landed(ctx, repo, branch, base, n)
	switch {
	case errors.Is(readErr, ErrNotFound):
		if err := c.UpdateBranches(ctx, repo, BranchUpdate{Branch: branch, To: base}); err != nil {
			return "", err
		}
	case readErr != nil:
		return "", readErr
	case ours != "" && unknown:
		return ours, nil
	case now != base:
		return "", &fault{Problem: problem.New("start over from what it is now", "%s: %s: it is there already", repo, at.doing), Kind: ErrBranchExists, Cause: err}
	}
	oid, err = c.commitOnBranch(ctx, repo, branch, base, n)
	if errors.Is(err, ErrNotFound) {
		err = movedError(at, branch, err) // it was there, until another run took it for a leftover
	}
	return oid, err
}

// writable refuses changes that GitHub would make with another mode.
func (t *Tip) writable(ctx context.Context, n PendingCommit) error {
	for _, name := range slices.Sorted(maps.Keys(n.Files)) {
		if _, known := t.known(path.Dir(name)); !known || t.modeUnknown(name) {
			if err := t.Fetch(ctx, path.Dir(name)); err != nil {
				return err
			}
		}
		if found, _ := t.known(name); found != nil && found.mode != modeFile && n.Files[name] != nil {
			return problem.New("change it with Git: leave out --via api", "%s: %s has mode %06o, which GitHub's API would not keep", t.Repo, name, found.mode)
		}
	}
	return nil
}

func (t *Tip) modeUnknown(name string) bool {
	n, known := t.known(name)
	return !known || n != nil && n.mode == 0
}

// commitInput returns the input of the mutation createCommitOnBranch.
func commitInput(repo Repo, branch, expected string, n PendingCommit) map[string]any {
	type addition struct {
		Path     string `json:"path"`
		Contents string `json:"contents"`
	}
	type deletion struct {
		Path string `json:"path"`
	}
	additions, deletions := []addition{}, []deletion{}
	for _, name := range slices.Sorted(maps.Keys(n.Files)) {
		if data := n.Files[name]; data != nil {
			additions = append(additions, addition{name, base64.StdEncoding.EncodeToString(data)})
		} else {
			deletions = append(deletions, deletion{name})
		}
	}
	headline, body, _ := strings.Cut(strings.TrimSpace(n.Message), "\n")
	return map[string]any{
		"branch":          map[string]any{"repositoryNameWithOwner": repo.String(), "branchName": branch},
		"expectedHeadOid": expected,
		"message":         map[string]any{"headline": headline, "body": strings.TrimSpace(body)},
		"fileChanges":     map[string]any{"additions": additions, "deletions": deletions},
	}
}

// committed is the answer of the mutation createCommitOnBranch.
type committed struct {
	CreateCommitOnBranch struct{ Commit struct{ Oid string } }
}

// commitOnBranch makes a commit on a branch that is at expected. It is safe to repeat: the
// second time the branch has moved, by the first.
func (c *Client) commitOnBranch(ctx context.Context, repo Repo, branch, expected string, n PendingCommit) (oid string, err error) {
	const document = `mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}`
	at := call{repo, "committing to " + branch, "contents=write"}
	for try := 1; ; try++ {
		var answer committed
		err := c.query(ctx, document, map[string]any{"input": commitInput(repo, branch, expected, n)}, &answer)
		if oid := answer.CreateCommitOnBranch.Commit.Oid; err == nil && oid != "" {
			return oid, nil
		}
		unknown := outcomeUnknown(err)
		if err = c.fault(ctx, at, err); err == nil {
			return "", c.fault(ctx, at, errEmpty)
		}
		if !unknown && !errors.Is(err, ErrHeadMoved) && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) {
			return "", err
		}
		// Even without an answer, the branch shows whether its commit is ours.
		now, ours, readErr := c.landed(ctx, repo, branch, expected, n)
		switch {
		case readErr != nil:
			return "", err
		case ours != "" && (unknown || try > 1):
			return ours, nil
		case now != expected:
			return "", movedError(at, branch, err)
		case !unknown || try == maxAttempts:
			return "", err
		}
		if sleepErr := c.sleep(ctx, pause(err, try)); sleepErr != nil {
			return "", err
		}
	}
}

// landed returns where a branch is now, and the commit on expected that is n in all but
// its hash, "" if there is none on the way.
func (c *Client) landed(ctx context.Context, repo Repo, branch, expected string, n PendingCommit) (now, ours string, err error) {
	if now, err = c.Branch(ctx, repo, branch); err != nil || now == expected {
		return now, "", err
	}
	between, err := c.Compare(ctx, repo, expected, now, 1)
	if err != nil || len(between.Commits) == 0 {
		return now, "", err
	}
	first := between.Commits[0]
	if !slices.Equal(first.Parents, []string{expected}) || squeeze(first.Message) != squeeze(n.Message) {
		return now, "", nil
	}
	files := (&Tip{Repo: repo, OID: first.SHA, client: c, nodes: map[string]*node{}}).FS(ctx)
	for name, data := range n.Files {
		got, err := files.ReadFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && data == nil:
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return now, "", err
		case err != nil, data == nil, !bytes.Equal(got, data):
			return now, "", nil
		}
	}
	return now, first.SHA, nil
}

// squeeze returns a message without its white space, which GitHub lays out anew.
func squeeze(message string) string { return strings.Join(strings.Fields(message), " ") }
