package github

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v57/github"

	"k8srepo/internal/lazyregexp"
)

// Relation is how a commit, the head, stands to another, the base.
type Relation string

// The relations. The last two are not GitHub's words.
const (
	Ahead       Relation = "ahead" // the head descends from the base
	Behind      Relation = "behind"
	Diverged    Relation = "diverged" // neither descends from the other
	Identical   Relation = "identical"
	BaseUnknown Relation = "base unknown" // the repository has no such commit
	HeadUnknown Relation = "head unknown"
)

// Comparison is what leads from one commit to another.
type Comparison struct {
	Relation
	AheadBy, BehindBy int
	Commits           []Commit // from the base to the head, oldest first; perhaps only the first of them
	Total             int      // how many commits there are between the two
	MergeBase         *Commit  // nil where they have no commit in common
	Base              string   // the base's hash; "" where the two cannot be compared
	Files             []string // that differ between MergeBase and the head; nil where there may be more than GitHub lists
	URL               string   // the comparison for people
}

// Head returns the head's hash, "" where the commits that have it were not read, or the two
// cannot be compared.
func (c *Comparison) Head() string {
	switch {
	case (c.Relation == Behind || c.Relation == Identical) && c.MergeBase != nil:
		return c.MergeBase.SHA
	case len(c.Commits) > 0:
		return c.Commits[len(c.Commits)-1].SHA
	}
	return ""
}

// Commit is a commit as GitHub shows it.
type Commit struct {
	SHA         string
	Title       string // the first line of Message
	Message     string
	Author      Person
	Committer   Person
	Time        time.Time // when it was committed, which may be long after it was written
	Parents     []string
	Tree        string
	Verified    bool // GitHub trusts its signature
	PullRequest int  // that brought it, as its title says; 0 if it does not
	URL         string
}

// Person is who made something.
type Person struct {
	Login string // "" if GitHub knows no account
	Name  string // as Git has it; "" outside of commits
	Email string
	Bot   bool
}

// String returns the login, else the name.
func (p Person) String() string {
	if p.Login != "" {
		return p.Login
	}
	return p.Name
}

// Compare returns how head and base are related, which may be branches, tags, or hashes,
// short ones too, and reads the commits between: the first limit ones, all if it
// is negative, none if it is 0.
func (c *Client) Compare(ctx context.Context, repo Repo, base, head string, limit int) (*Comparison, error) {
	out := &Comparison{}
	page := pageOf(limit)
	for {
		res, err := c.comparePage(ctx, repo, base, head, page, out)
		if err != nil || res == nil {
			return out, err
		}
		if limit >= 0 && len(out.Commits) >= limit {
			out.Commits = out.Commits[:limit]
			return out, nil
		}
		if res.NextPage == 0 {
			return out, nil
		}
		page.Page = res.NextPage
	}
}

// CompareNewest is Compare with the newest limit commits between the two, the oldest of
// them first. GitHub lists the oldest first, so that is up to two requests more where
// there are more than limit.
func (c *Client) CompareNewest(ctx context.Context, repo Repo, base, head string, limit int) (*Comparison, error) {
	out := &Comparison{}
	page := pageOf(limit)
	res, err := c.comparePage(ctx, repo, base, head, page, out)
	if err != nil || res == nil || res.LastPage == 0 {
		return out, err
	}
	first := out.Commits
	out.Commits = nil
	for page.Page = res.LastPage; page.Page > 1 && len(out.Commits) < limit; page.Page-- {
		newer := out.Commits
		out.Commits = nil
		if res, err = c.comparePage(ctx, repo, base, head, page, out); err != nil || res == nil {
			return out, err
		}
		out.Commits = append(out.Commits, newer...)
	}
	if len(out.Commits) < limit {
		out.Commits = append(first, out.Commits...)
	}
	out.Commits = out.Commits[max(0, len(out.Commits)-limit):]
	return out, nil
}

func pageOf(limit int) *gh.ListOptions {
	if limit >= 0 && limit < perPage {
		return &gh.ListOptions{PerPage: max(1, limit)}
	}
	return &gh.ListOptions{PerPage: perPage}
}

// comparePage adds one page of a comparison to out. The response is nil where the two
// cannot be compared, which out then says.
func (c *Client) comparePage(ctx context.Context, repo Repo, base, head string, page *gh.ListOptions, out *Comparison) (*gh.Response, error) {
	at := call{repo, "comparing " + base + " with " + head, "contents=read"}
	got, res, err := c.rest.Repositories.CompareCommits(ctx, repo.Owner, repo.Name, base, head, page)
	if err != nil {
		if err = c.fault(ctx, at, err); errors.Is(err, ErrNotFound) {
			var found *Comparison
			if found, err = c.unrelated(ctx, repo, base, head, err); err == nil {
				*out = *found
			}
		}
		return nil, err
	}
	if got.GetStatus() == "" {
		return nil, c.fault(ctx, at, errEmpty)
	}
	out.Relation, out.AheadBy, out.BehindBy = Relation(got.GetStatus()), got.GetAheadBy(), got.GetBehindBy()
	out.Total, out.URL, out.Base = got.GetTotalCommits(), got.GetHTMLURL(), got.GetBaseCommit().GetSHA()
	if page.Page <= 1 && len(got.Files) < maxCompared {
		out.Files = filesOf(got.Files)
	}
	if got.MergeBaseCommit.GetSHA() != "" {
		base := commitOf(got.MergeBaseCommit)
		out.MergeBase = &base
	}
	for _, commit := range got.Commits {
		out.Commits = append(out.Commits, commitOf(commit))
	}
	return res, nil
}

// maxCompared is how many files GitHub lists in a comparison, on its first page.
const maxCompared = 300

func filesOf(files []*gh.CommitFile) []string {
	names := []string{}
	for _, f := range files {
		names = append(names, f.GetFilename())
		if old := f.GetPreviousFilename(); old != "" {
			names = append(names, old)
		}
	}
	return names
}

// unrelated finds out why two commits cannot be compared.
func (c *Client) unrelated(ctx context.Context, repo Repo, base, head string, err error) (*Comparison, error) {
	_, headErr := c.Commit(ctx, repo, head)
	_, baseErr := c.Commit(ctx, repo, base)
	known := func(err error) bool { return err == nil || errors.Is(err, ErrNotFound) }
	switch {
	case !known(headErr):
		return nil, headErr
	case !known(baseErr):
		return nil, baseErr
	case headErr == nil && baseErr == nil:
		return &Comparison{Relation: Diverged}, nil // no common ancestor
	case headErr != nil && baseErr != nil:
		if c.Reachable(ctx, repo) != nil {
			return nil, err // it is the repository that is not found
		}
	}
	if headErr != nil {
		return &Comparison{Relation: HeadUnknown}, nil
	}
	return &Comparison{Relation: BaseUnknown}, nil
}

// Reachable returns why a repository cannot be read; nil where it can.
func (c *Client) Reachable(ctx context.Context, repo Repo) error {
	if _, _, err := c.rest.Repositories.Get(ctx, repo.Owner, repo.Name); err != nil {
		return c.fault(ctx, call{repo, "looking for the repository", "contents=read"}, err)
	}
	return nil
}

// Commit looks a commit up by a branch, a tag or a hash, perhaps a short one:
// ErrNotFound if the repository has none, or is itself not found.
func (c *Client) Commit(ctx context.Context, repo Repo, ref string) (*Commit, error) {
	got, _, err := c.rest.Repositories.GetCommit(ctx, repo.Owner, repo.Name, url.PathEscape(ref), nil)
	if err == nil && got.GetSHA() == "" {
		err = errEmpty
	}
	if err != nil {
		return nil, c.fault(ctx, call{repo, "looking up " + ref, "contents=read"}, err)
	}
	commit := commitOf(got)
	return &commit, nil
}

func commitOf(c *gh.RepositoryCommit) Commit {
	git := c.GetCommit()
	out := Commit{
		SHA:       c.GetSHA(),
		Message:   git.GetMessage(),
		Author:    personOf(c.GetAuthor()),
		Committer: personOf(c.GetCommitter()),
		Time:      git.GetCommitter().GetDate().Time,
		Tree:      git.GetTree().GetSHA(),
		Verified:  git.GetVerification().GetVerified(),
		URL:       c.GetHTMLURL(),
	}
	out.Title, _, _ = strings.Cut(out.Message, "\n")
	out.Title = strings.TrimSpace(out.Title)
	out.PullRequest = pullRequestOf(out.Title)
	out.Author.Name, out.Author.Email = git.GetAuthor().GetName(), git.GetAuthor().GetEmail()
	out.Committer.Name, out.Committer.Email = git.GetCommitter().GetName(), git.GetCommitter().GetEmail()
	for _, p := range c.Parents {
		out.Parents = append(out.Parents, p.GetSHA())
	}
	return out
}

func personOf(u *gh.User) Person {
	return Person{Login: u.GetLogin(), Bot: u.GetType() == "Bot"}
}

// GitHub's titles of merged pull requests: of a squash or rebase, and of a merge.
var mergedTitle = lazyregexp.New(`\(#(\d+)\)$|^Merge pull request #(\d+) `)

// pullRequestOf returns the number of the pull request that a commit's title names,
// 0 if it names none.
func pullRequestOf(title string) int {
	m := mergedTitle.FindStringSubmatch(title)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1] + m[2])
	return n
}

// perPage is the most that GitHub puts on a page.
const perPage = 100

// pages reads every page of a list.
func pages[T any](read func(page gh.ListOptions) ([]T, *gh.Response, error)) ([]T, error) {
	var all []T
	page := gh.ListOptions{PerPage: perPage}
	for {
		some, res, err := read(page)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if res.NextPage == 0 {
			return all, nil
		}
		page.Page = res.NextPage
	}
}
