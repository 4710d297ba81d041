package ghtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/gitrepo/gittest"
)

// Repo is a repository on the server. Its fields may be set before it is used.
type Repo struct {
	*gittest.Repo
	Private        bool
	Collaborators  []string          // who can be asked for reviews, and assigned
	Teams          []string          // slugs of those that can be asked for reviews
	HiddenTeams    bool              // the token may ask them, and not see them
	Accounts       map[string]string // the accounts of commits' e-mail addresses
	NoDrafts       bool
	AllowAutoMerge bool
	RequiredChecks bool     // pull requests wait for checks, which never come
	Protected      []string // branches that nobody may commit to
	Kept           []string // branches that nobody may delete: see Protect
	Lag            int      // how often the head of a new pull request is not known yet

	server      *Server
	owner, name string
	id          int
	pulls       []*pull
	refs        map[string]string // branches, as they were last seen
	pushed      int               // bytes of the hook's log that have been read
	verified    map[string]bool   // commits that the API made
	objects     *objects          // nil until one is read
}

// PullRequest is what became of a pull request.
type PullRequest struct {
	Number                                   int
	Title, Body                              string
	Open, Merged, Draft                      bool
	Branch, Head, Base                       string
	Author, ClosedBy                         string
	Labels, Assignees, Reviewers, TeamReview []string
	AutoMerge                                string // the method; "" if it is off
	Comments                                 []Comment
}

// Comment is a comment on a pull request.
type Comment struct {
	Author, Body string
	id           int
	at           string
}

type pull struct {
	PullRequest
	id        int
	baseHead  string // the commit that the base is at; once closed, was at
	created   string
	updated   string
	closed    string // "" while it is open
	mergeHead string
	fork      string // the owner of the repository that its branch is in; "" is this one
	events    []event
}

// event is a label, a person or a team that was put on a pull request.
type event struct{ kind, name string } // kind is the type of GraphQL's item

// give adds names to one of a pull request's lists, and returns those that are new.
func (p *pull) give(list *[]string, kind string, names ...string) {
	for _, name := range names {
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
			p.events = append(p.events, event{kind, name})
		}
	}
}

// AddRepo has the server know a repository, owner/name.
func (s *Server) AddRepo(fullName string, r *gittest.Repo) *Repo {
	s.t.Helper()
	owner, name, _ := strings.Cut(fullName, "/")
	// What comes in by push is seen in its order, even between two requests.
	r.LogPushes()
	repo := &Repo{Repo: r, server: s, owner: owner, name: name, refs: map[string]string{}, verified: map[string]bool{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	repo.id = s.newID()
	repo.refs = repo.Branches()
	s.repos[strings.ToLower(fullName)] = repo
	return repo
}

// URL returns where people see the repository.
func (r *Repo) URL() string { return r.server.URL + "/" + r.owner + "/" + r.name }

func (r *Repo) fullName() string { return r.owner + "/" + r.name }

func (r *Repo) nodeID() string { return fmt.Sprintf("R_%d", r.id) }

// git runs git in the repository, and returns what it printed.
func (r *Repo) git(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = r.Folder()
	cmd.Env = gitEnv()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.String(), nil
}

// gitEnv keeps the settings of the machine and of the person out of the tests.
func gitEnv() []string {
	return append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "LC_ALL=C")
}

// resolve returns the commit that a branch, a tag or a hash names, "" if none.
func (r *Repo) resolve(ref string) string {
	if oid, ok := r.refs[strings.TrimPrefix(ref, "refs/heads/")]; ok {
		return oid
	}
	oid, kind, _, _ := r.object(ref + "^{commit}")
	if kind != "commit" {
		return ""
	}
	return oid
}

// sync reads what was pushed since the last request.
func (r *Repo) sync() {
	log := r.Pushes()
	end := bytes.LastIndexByte(log, '\n') + 1
	for line := range strings.Lines(string(log[r.pushed:end])) {
		if f := strings.Fields(line); len(f) == 3 {
			if branch, ok := strings.CutPrefix(f[2], "refs/heads/"); ok {
				r.moved(branch, strings.ReplaceAll(f[1], noOid, ""), "somebody")
			}
		}
	}
	r.pushed = end
	now := r.Branches()
	for _, branch := range slices.Sorted(maps.Keys(r.refs)) {
		if now[branch] == "" {
			r.moved(branch, "", "somebody")
		}
	}
	for _, branch := range slices.Sorted(maps.Keys(now)) {
		r.moved(branch, now[branch], "somebody")
	}
}

const noOid = "0000000000000000000000000000000000000000"

// moved notes that a branch was set to a commit, or deleted where oid is "", and updates its
// pull requests.
func (r *Repo) moved(branch, oid, by string) {
	if r.refs[branch] == oid {
		return
	}
	if oid == "" {
		delete(r.refs, branch)
	} else {
		r.refs[branch] = oid
	}
	for _, p := range r.pulls {
		switch {
		case !p.Open, p.fork != "" && p.Branch == branch:
		case p.Branch == branch && oid == "":
			p.close(by)
		case p.Branch == branch:
			p.Head, p.updated = oid, now()
			if r.isAncestor(oid, r.refs[p.Base]) {
				p.close(by) // nothing is left of it
			}
		case p.Base == branch && oid == "":
			p.close(by)
		case p.Base == branch:
			p.baseHead = oid
			if r.isAncestor(p.Head, oid) {
				p.Merged, p.mergeHead = true, oid
				p.close(by)
			}
		}
	}
}

func (p *pull) close(by string) {
	p.Open, p.ClosedBy, p.closed, p.updated = false, by, now(), now()
}

func (r *Repo) pull(number int) *pull {
	for _, p := range r.pulls {
		if p.Number == number {
			return p
		}
	}
	return nil
}

// PullRequests returns the repository's pull requests, the oldest first.
func (r *Repo) PullRequests() []PullRequest {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.sync()
	var all []PullRequest
	for _, p := range r.pulls {
		one := p.PullRequest
		for _, list := range []*[]string{&one.Labels, &one.Assignees, &one.Reviewers, &one.TeamReview} {
			*list = slices.Clone(*list)
		}
		one.Comments = slices.Clone(one.Comments)
		all = append(all, one)
	}
	return all
}

// commit makes a commit object in somebody's name, as GitHub does.
func (r *Repo) commit(tree, message, by string, parents ...string) (oid string) {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", tree)
	for _, p := range parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	at := time.Now().Unix()
	fmt.Fprintf(&b, "author %s <%s> %d +0000\ncommitter GitHub <noreply@github.com> %d +0000\n\n%s", by, noreply(by), at, at, message)
	oid = r.WriteObject("commit", b.String())
	r.verified[oid] = true
	return oid
}

// noreply returns the address that GitHub gives an account.
func noreply(login string) string { return "1+" + login + "@users.noreply.github.com" }

type refUpdate struct{ branch, from, to string }

// errKept is returned for a branch that nobody may delete; kept is what GitHub answers then.
var errKept = errors.New("protected branch")

const kept = "Cannot delete this protected branch"

// updateRefs moves branches, all or none.
func (r *Repo) updateRefs(by string, updates ...refUpdate) error {
	for _, u := range updates {
		if r.Tip(u.branch) != u.from {
			return gittest.ErrStale
		}
		if u.to == "" && slices.Contains(r.Kept, u.branch) {
			return errKept
		}
	}
	for _, u := range updates {
		if err := r.SetBranch(u.branch, u.from, u.to); err != nil {
			return err
		}
	}
	for _, u := range updates {
		r.moved(u.branch, u.to, by)
	}
	return nil
}
