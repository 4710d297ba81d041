package deploy

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

// Proposed means that a pull request waits for people: a further Status.
const Proposed = "proposed"

// PullRequests is where a Deployment proposes what it may not push.
type PullRequests struct {
	GitHub    *github.Client // for the k8s repo
	Repo      github.Repo    // the k8s repo
	Sources   *Sources       // the services' own repositories; nil leaves their commits out
	Asked     string         // who or what asks, in Markdown; may be empty
	AutoMerge bool           // merge by itself once everything that it needs is there
}

// proposal is one attempt at a pull request: one per environment and service, on
// a branch of its own that holds one commit on the base's tip.
type proposal struct {
	*run
	base   *base
	plan   *Outcome // of the base
	branch string

	head  *head                // the branch as it is; nil where there is none
	pulls []github.PullRequest // of the branch, the newest first
}

// head is the commit at the end of a proposal's branch.
type head struct {
	snapshot
	message, tree string // the tree is not known over the API
	parents       []string
}

// propose makes the pull request of a plan, brings it up to date, or closes it, as
// the plan and what is there demand.
func (r *run) propose(ctx context.Context, base *base, plan *Outcome) (*Outcome, error) {
	p := &proposal{run: r, base: base, plan: plan, branch: branchOf(r.Env, r.names())}
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	open := p.open()
	if plan.Status == Unchanged || plan.Status == Superseded {
		if open != nil {
			return plan, p.closeIfMoot(ctx, open)
		}
		return plan, nil
	}
	if err := p.stoppedByPerson(ctx, open); err != nil {
		return nil, err
	}
	if closed := p.closedByPerson(); closed != nil && !r.Force {
		plan.Status = Unchanged
		plan.notice("%s for %s was closed by a person, so it is not opened again: reopen it there, or say --force", closed.URL, plan.NewTag)
		return plan, nil
	}
	if newer, err := p.proposesNewer(ctx); err != nil {
		return nil, err
	} else if newer {
		plan.Status, plan.PullRequest = Superseded, ""
		where := "the branch " + p.branch
		if open != nil {
			where, plan.PullRequest = open.URL, open.URL
		}
		plan.notice("%s proposes something newer", where)
		return plan, nil
	}
	return p.put(ctx, open)
}

// proposesNewer tells whether the branch proposes a newer tag. What is left over of
// a closed pull request proposes nothing; a branch without any is one that
// somebody is just opening.
func (p *proposal) proposesNewer(ctx context.Context) (bool, error) {
	if p.head == nil || p.goesBack() {
		return false, nil
	}
	leftOver := func(pull github.PullRequest) bool { return !pull.Open && pull.Head == p.head.hash() }
	if p.open() == nil && slices.ContainsFunc(p.pulls, leftOver) {
		return false, nil
	}
	head, err := p.find(ctx, p.head.snapshot)
	if err != nil {
		return false, err
	}
	proposed, err := p.run.plan(ctx, head)
	return err == nil && proposed.Status == Superseded, err
}

// branchOf is the branch that a bump is proposed on.
func branchOf(env string, names []string) string {
	return "tagbump/" + env + "/" + strings.Join(names, "+")
}

func (o *Outcome) notice(format string, args ...any) {
	o.Notices = append(o.Notices, fmt.Sprintf(format, args...))
}

// read reads the pull requests of the branch, and the branch itself. Over the API
// one without an open pull request is looked for only after it got in the way.
func (p *proposal) read(ctx context.Context) (err error) {
	if p.pulls, err = p.Pulls.GitHub.PullRequests(ctx, p.Pulls.Repo, p.branch); err != nil {
		return err
	}
	if !p.ViaAPI || p.open() != nil || p.inTheWay {
		p.head, err = p.readHead(ctx)
	}
	return err
}

// readHead reads the branch; nil where there is none.
func (p *proposal) readHead(ctx context.Context) (*head, error) {
	if p.ViaAPI {
		tip, err := p.Pulls.GitHub.TipWith(ctx, p.Pulls.Repo, p.branch, nil, path.Join(p.Env, "manifests"), inventory.UsersFile)
		if errors.Is(err, github.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		this := tip.Commits[github.ThisCommit]
		return &head{snapshot: hubSnapshot{tip}, message: this.Message, parents: this.Parents}, nil
	}
	tip, err := p.Remote.Tip(ctx, p.branch)
	if errors.Is(err, gitrepo.ErrNoBranch) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h := &head{snapshot: gitSnapshot{tip}, message: tip.Message, tree: tip.Tree.String()}
	for _, parent := range tip.Parents {
		h.parents = append(h.parents, parent.String())
	}
	return h, nil
}

// open is the open pull request to the base, nil where there is none.
func (p *proposal) open() *github.PullRequest {
	for i := range p.pulls {
		if p.pulls[i].Open && p.pulls[i].Base == p.base.branch() {
			return &p.pulls[i]
		}
	}
	return nil
}

// closedByPerson is the last pull request, if it proposed the same tag and a
// person closed it unmerged. Where tagbump itself closes one, it says so in it.
func (p *proposal) closedByPerson() *github.PullRequest {
	if len(p.pulls) == 0 {
		return nil
	}
	last := &p.pulls[0]
	if last.Open || last.Merged || strings.Contains(last.Body, closedLine) || proposedTag(last.Body) != p.plan.NewTag {
		return nil
	}
	return last
}

// The lines that tagbump knows its own by: in bodies, in comments, and at the end
// of its commits' messages.
const (
	closedLine  = "<!-- tagbump: closed -->"
	stoppedLine = "<!-- tagbump: stopped -->"
	trailer     = "Tagbump-Branch: "
)

var ours = regexp.MustCompile(`(?m)^` + trailer)

// stoppedByPerson is a refusal if somebody else's commit is on the branch: then
// it is theirs. In an open pull request that is said once.
func (p *proposal) stoppedByPerson(ctx context.Context, open *github.PullRequest) error {
	refuse := func(sha, where string) error {
		return problem.Refuse("merge or close it, or delete the branch, and run this again",
			"%s: the commit %.7s on the branch %s is not tagbump's, so the branch is left alone", where, sha, p.branch)
	}
	if open == nil {
		if p.head != nil && !ours.MatchString(p.head.message) {
			return refuse(p.head.hash(), p.Pulls.Repo.String())
		}
		return nil
	}
	commits, err := p.Pulls.GitHub.PullRequestCommits(ctx, p.Pulls.Repo, open.Number)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(commits, func(c github.Commit) bool { return !ours.MatchString(c.Message) })
	if at < 0 {
		return nil
	}
	comments, err := p.Pulls.GitHub.Comments(ctx, p.Pulls.Repo, open.Number)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(comments, func(c github.Comment) bool { return strings.Contains(c.Body, stoppedLine) }) {
		text := fmt.Sprintf("%s\nThe commit %s is not tagbump's, so this branch is yours now: it is left alone, and `%s` is not proposed here. "+
			"Merge or close this pull request, and the next deployment opens a new one.", stoppedLine, commits[at].SHA, p.plan.NewTag)
		if err := p.Pulls.GitHub.Comment(ctx, p.Pulls.Repo, open.Number, text); err != nil {
			return err
		}
	}
	return refuse(commits[at].SHA, open.URL)
}

// closeIfMoot closes a pull request whose tag, or a newer one, runs already.
func (p *proposal) closeIfMoot(ctx context.Context, open *github.PullRequest) error {
	tag := proposedTag(open.Body)
	if tag == "" {
		return nil
	}
	again := *p.Deployment
	again.Tag, again.Digest = tag, ""
	still, err := again.plan(ctx, p.base)
	if err != nil && problem.ExitStatus(err) == problem.ExitTrouble {
		return err
	}
	if err != nil || still.Status == Changed || still.Status == Superseded && p.proposesRollback(still) {
		return nil // it has something to propose, or what it has is for people to judge
	}
	why := fmt.Sprintf("%s runs `%s` already.", p.Env, tag)
	if still.Status == Superseded {
		why = fmt.Sprintf("%s runs `%s`, which is newer than `%s`.", p.Env, strings.Join(still.OldTags(), "`, `"), tag)
	}
	for _, name := range p.names() {
		chain, err := p.base.rolled(ctx, p.Env, name)
		if err != nil {
			return err
		}
		for _, tag := range still.OldTags() {
			if back := active(chain, tag); len(back) > 0 {
				why += fmt.Sprintf(" %s was rolled back from `%s` to `%s`, %s.", name, back[0].From, back[0].To, back[0].when())
			}
		}
	}
	if err := p.Pulls.GitHub.Comment(ctx, p.Pulls.Repo, open.Number, "There is nothing left to deploy here: "+why); err != nil {
		return err
	}
	body, closed := open.Body+"\n"+closedLine+"\n", false
	if _, err := p.Pulls.GitHub.EditPullRequest(ctx, p.Pulls.Repo, open.Number, github.PullRequestEdit{Body: &body, Open: &closed}); err != nil {
		return err
	}
	p.plan.notice("%s was closed: there is nothing left to deploy in it", open.URL)
	p.plan.PullRequest = open.URL
	return p.Pulls.GitHub.DeleteBranch(ctx, p.Pulls.Repo, p.branch, open.Head)
}

// put brings the branch and its pull request to what the plan says.
func (p *proposal) put(ctx context.Context, open *github.PullRequest) (*Outcome, error) {
	head, err := p.pushBranch(ctx)
	if err != nil {
		return nil, err
	}
	b, err := p.body(ctx)
	if err != nil {
		return nil, err
	}
	if open == nil {
		open, err = p.create(ctx, b)
	} else {
		open, err = p.edit(ctx, open, b)
	}
	if err != nil {
		return nil, err
	}
	if p.Pulls.AutoMerge && !open.AutoMerge {
		err := p.Pulls.GitHub.EnableAutoMerge(ctx, p.Pulls.Repo, open, head, "")
		if errors.Is(err, github.ErrAutoMerge) {
			p.plan.notice("%s is not set to merge by itself: %v", open.URL, err)
		} else if err != nil {
			return nil, err
		}
	}
	p.plan.Status, p.plan.Commit, p.plan.PullRequest, p.plan.Branch = Proposed, head, open.URL, p.branch
	return p.plan, nil
}

// pushBranch puts one fresh commit on the base's tip on the branch, and is its
// hash. Where the branch holds just that already, nothing is pushed: approvals
// and checks stay.
func (p *proposal) pushBranch(ctx context.Context) (string, error) {
	if hub, ok := p.base.snapshot.(hubSnapshot); ok {
		return p.commitBranch(ctx, hub)
	}
	base := p.base.snapshot.(gitSnapshot).Tip
	commit, err := p.commit(ctx, base, p.plan, trailer+p.branch)
	if err != nil {
		return "", err
	}
	var old gitrepo.Hash
	if h := p.head; h != nil {
		if h.tree == commit.Tree.String() && slices.Equal(h.parents, []string{p.base.hash()}) {
			return h.hash(), nil
		}
		old = h.snapshot.(gitSnapshot).Hash
	}
	return commit.Hash.String(), p.Remote.Push(ctx, p.branch, old, commit)
}

// commitBranch does the same over the API.
func (p *proposal) commitBranch(ctx context.Context, base hubSnapshot) (string, error) {
	message, err := p.messageWith(p.plan, trailer+p.branch)
	if err != nil {
		return "", err
	}
	was := ""
	if p.head != nil {
		if was = p.head.hash(); slices.Equal(p.head.parents, []string{p.base.hash()}) && p.headHolds(ctx) {
			return was, nil
		}
	}
	oid, err := base.Propose(ctx, p.branch, was, github.NewCommit{Files: p.plan.contents(), Message: message})
	if errors.Is(err, github.ErrBranchExists) {
		p.inTheWay = true // somebody was faster, or left it over
	}
	return oid, err
}

// headHolds tells whether the branch has the files of the plan as they are to be.
func (p *proposal) headHolds(ctx context.Context) bool {
	tree := p.head.files(ctx)
	for _, f := range p.plan.Files {
		if data, err := tree.ReadFile(f.Path); err != nil || string(data) != string(f.New) {
			return false
		}
	}
	return true
}

// create opens the pull request. Somebody may have been faster: then it is theirs
// that is brought up to date.
func (p *proposal) create(ctx context.Context, b *body) (*github.PullRequest, error) {
	client, repo := p.Pulls.GitHub, p.Pulls.Repo
	pull, err := client.CreatePullRequest(ctx, repo, github.NewPullRequest{
		Title: b.title(), Body: b.markdown(""), Branch: p.branch, Base: p.base.branch(), Draft: p.base.policy.Draft,
	})
	if errors.Is(err, github.ErrPullRequestExists) {
		if err := p.read(ctx); err != nil {
			return nil, err
		}
		if open := p.open(); open != nil {
			return p.edit(ctx, open, b)
		}
	}
	if err != nil {
		return nil, err
	}
	var warnings problem.List
	if len(p.base.policy.Labels) > 0 {
		warnings.Add(client.AddLabels(ctx, repo, pull.Number, p.base.policy.Labels))
	}
	if len(p.base.policy.Assignees) > 0 {
		more, err := client.AddAssignees(ctx, repo, pull.Number, p.base.policy.Assignees)
		warnings = append(warnings, more...)
		warnings.Add(err)
	}
	if len(p.base.policy.Reviewers)+len(p.base.policy.TeamReviewers) > 0 {
		more, err := client.RequestReviews(ctx, repo, pull.Number, p.base.policy.Reviewers, p.base.policy.TeamReviewers)
		warnings = append(warnings, more...)
		warnings.Add(err)
	}
	for _, w := range warnings {
		p.plan.notice("%s: %s", pull.URL, w.Message) // the pull request is there all the same
	}
	return pull, nil
}

// edit brings title and body up to date; what people wrote below the line stays.
func (p *proposal) edit(ctx context.Context, open *github.PullRequest, b *body) (*github.PullRequest, error) {
	title, text := b.title(), b.markdown(open.Body)
	if open.Title == title && strings.ReplaceAll(open.Body, "\r\n", "\n") == text {
		return open, nil
	}
	return p.Pulls.GitHub.EditPullRequest(ctx, p.Pulls.Repo, open.Number, github.PullRequestEdit{Title: &title, Body: &text})
}

// body gathers what the reviewer is told.
func (p *proposal) body(ctx context.Context) (*body, error) {
	b := &body{Env: p.Env, Services: p.names(), Tag: p.plan.NewTag, Asked: p.Pulls.Asked, Repo: p.Remote.URL(), Notices: p.plan.Notices}
	request, err := p.Request(p.base.files(ctx))
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, i := range p.plan.Images {
		if !i.Changed() {
			continue
		}
		b.Images = append(b.Images, i)
		t := request.Target(i.Old)
		if key := t.Name() + " " + i.Old.Tag; !asked[key] {
			asked[key] = true
			if c := p.commitsBetween(ctx, *t, i.Old.Tag); c != nil {
				b.Histories = append(b.Histories, *c)
			}
		}
	}
	b.Elsewhere, err = elsewhere(ctx, p.base, request)
	return b, err
}

// commitsBetween are the commits that a deployment brings; nil where they cannot
// be told, which keeps nothing from being deployed.
func (p *proposal) commitsBetween(ctx context.Context, t bump.Target, running string) *commits {
	repo, err := github.ParseRepo(t.Source)
	if err != nil || p.Pulls.Sources == nil || hashOf(running) == "" || hashOf(p.Tag) == "" {
		return nil
	}
	found, err := p.Pulls.Sources.compare(ctx, repo, hashOf(running), hashOf(p.Tag))
	if err != nil {
		p.plan.notice("the commits of %s are not listed: %v", t.Source, err)
		return nil
	}
	c := &commits{Service: t.Name(), Source: t.Source, URL: found.URL, Total: found.Total}
	for _, one := range found.Commits {
		c.List = append(c.List, commit{Hash: one.SHA, Title: one.Title, Author: one.Author.String(), Pull: one.PullRequest})
	}
	slices.Reverse(c.List)
	return c
}
