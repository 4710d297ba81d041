package github

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/problem"
)

// NewCommit is a commit to be made: files by path, each in whole, nil to delete
// it, and a message. Its author is the token's owner; GitHub signs it.
type NewCommit struct {
	Files   map[string][]byte
	Message string // the first line is the headline
}

// Commit puts a commit on the tip's branch, which must still be at the tip:
// ErrHeadMoved if it is not. GitHub writes plain files only, so a change to an
// executable file or a link is refused.
func (t *Tip) Commit(ctx context.Context, n NewCommit) (oid string, err error) {
	if err := t.writable(ctx, n); err != nil {
		return "", err
	}
	return t.client.commitOnBranch(ctx, t.Repo, t.Branch, t.OID, n)
}

// Propose makes branch one commit on the tip, for a pull request. The branch must
// be at was, or not be there if that is "", or it comes to ErrHeadMoved or
// ErrBranchExists. What was there before is replaced at one go: in between the
// branch is never at the tip itself, which would close its pull request.
func (t *Tip) Propose(ctx context.Context, branch, was string, n NewCommit) (oid string, err error) {
	if err := t.writable(ctx, n); err != nil {
		return "", err
	}
	// GitHub makes commits on branches only: a new one, and that is the end of it,
	// or one aside that is exchanged for the old.
	made := branch
	if was != "" {
		made = "tagbump-next/" + rand.Text()
	}
	if err := t.client.UpdateBranches(ctx, t.Repo, BranchUpdate{Branch: made, To: t.OID}); err != nil {
		return "", err
	}
	oid, err = t.client.commitOnBranch(ctx, t.Repo, made, t.OID, n)
	at := t.OID // where the new branch is
	if err == nil {
		at = oid
		if was == "" {
			return oid, nil
		}
		err = t.client.UpdateBranches(ctx, t.Repo, BranchUpdate{branch, was, oid}, BranchUpdate{Branch: made, From: oid})
		if err == nil {
			return oid, nil
		}
	}
	// Nothing is left behind, even if ctx is what ended it.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = t.client.DeleteBranch(after, t.Repo, made, at)
	return "", err
}

// writable refuses changes that GitHub would make with another mode.
func (t *Tip) writable(ctx context.Context, n NewCommit) error {
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

// commitOnBranch makes a commit on a branch that is at expected. That makes it
// safe to repeat: done twice, the second one finds the branch moved, by the first.
func (c *Client) commitOnBranch(ctx context.Context, repo Repo, branch, expected string, n NewCommit) (oid string, err error) {
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
	input := map[string]any{
		"branch":          map[string]any{"repositoryNameWithOwner": repo.String(), "branchName": branch},
		"expectedHeadOid": expected,
		"message":         map[string]any{"headline": headline, "body": strings.TrimSpace(body)},
		"fileChanges":     map[string]any{"additions": additions, "deletions": deletions},
	}
	const document = `mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}`
	at := call{repo, "committing to " + branch, "contents=write"}
	for try := 1; ; try++ {
		var answer struct {
			CreateCommitOnBranch struct{ Commit struct{ Oid string } }
		}
		err := c.query(ctx, document, map[string]any{"input": input}, &answer)
		if oid := answer.CreateCommitOnBranch.Commit.Oid; err == nil && oid != "" {
			return oid, nil
		}
		lost := isLost(err)
		if err = c.fault(ctx, at, err); err == nil {
			return "", &fault{problem.New("", "%s: %s: GitHub does not say what it has committed", repo, at.doing), ErrUnavailable, nil}
		}
		if !lost && !errors.Is(err, ErrHeadMoved) && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) {
			return "", err
		}
		// Ours, though the answer was lost? Somebody else's? The branch itself tells.
		now, ours, readErr := c.landed(ctx, repo, branch, expected, n.Message)
		switch {
		case readErr != nil:
			return "", err
		case ours != "" && (lost || try > 1):
			return ours, nil
		case now != expected:
			return "", c.moved(at, branch, err)
		case !lost || try == mostAttempts:
			return "", err
		}
		if sleepErr := c.sleep(ctx, jitter(try)); sleepErr != nil {
			return "", err
		}
	}
}

// landed is where a branch is now, and the commit on expected that has the
// message, "" if there is none on the way.
func (c *Client) landed(ctx context.Context, repo Repo, branch, expected, message string) (now, ours string, err error) {
	if now, err = c.Branch(ctx, repo, branch); err != nil || now == expected {
		return now, "", err
	}
	between, err := c.Compare(ctx, repo, expected, now, 1)
	if err != nil {
		return now, "", err
	}
	for _, commit := range between.Commits {
		if slices.Equal(commit.Parents, []string{expected}) && squeeze(commit.Message) == squeeze(message) {
			return now, commit.SHA, nil
		}
	}
	return now, "", nil
}

// squeeze is a message without its white space, which GitHub lays out anew.
func squeeze(message string) string { return strings.Join(strings.Fields(message), " ") }
