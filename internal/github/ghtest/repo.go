package ghtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
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
	Accounts       map[string]string // the accounts of commits' e-mail addresses
	NoDrafts       bool
	AllowAutoMerge bool
	RequiredChecks bool     // pull requests wait for checks, which never come
	Protected      []string // branches that nobody may commit to
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
}

// AddRepo has the server know a repository, owner/name.
func (s *Server) AddRepo(fullName string, r *gittest.Repo) *Repo {
	s.t.Helper()
	owner, name, _ := strings.Cut(fullName, "/")
	// What comes in by push is seen in its order, even between two requests.
	r.Hook("post-receive", "cat >> ghtest-pushes")
	repo := &Repo{Repo: r, server: s, owner: owner, name: name, refs: map[string]string{}, verified: map[string]bool{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	repo.id = s.newID()
	repo.refs = repo.branches()
	s.repos[strings.ToLower(fullName)] = repo
	return repo
}

// URL is where people see the repository.
func (r *Repo) URL() string { return r.server.URL + "/" + r.owner + "/" + r.name }

func (r *Repo) fullName() string { return r.owner + "/" + r.name }

func (r *Repo) nodeID() string { return fmt.Sprintf("R_%d", r.id) }

// git runs git in the repository, and is what it printed.
func (r *Repo) git(stdin string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = r.Dir
	cmd.Env = gitEnv()
	cmd.Stdin = strings.NewReader(stdin)
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

// branches are the branches and the commits that they are at, read from disk: a
// process for each request would make the tests slow.
func (r *Repo) branches() map[string]string {
	branches := map[string]string{}
	packed, err := os.ReadFile(filepath.Join(r.Dir, "packed-refs"))
	if err != nil && !os.IsNotExist(err) {
		r.server.t.Error(err)
	}
	for line := range strings.Lines(string(packed)) {
		oid, ref, _ := strings.Cut(strings.TrimSpace(line), " ")
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			branches[branch] = oid
		}
	}
	heads := os.DirFS(filepath.Join(r.Dir, "refs/heads"))
	err = fs.WalkDir(heads, ".", func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || strings.HasSuffix(name, ".lock") {
			return nil // it is being written, or has just been deleted
		}
		if err != nil || d.IsDir() {
			return err
		}
		oid, err := fs.ReadFile(heads, name)
		if len(oid) >= len(noOid) {
			branches[name] = strings.TrimSpace(string(oid))
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		r.server.t.Error(err)
	}
	return branches
}

func (r *Repo) defaultBranch() string {
	head, err := os.ReadFile(filepath.Join(r.Dir, "HEAD"))
	if err != nil {
		r.server.t.Error(err)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(head)), "ref: refs/heads/")
}

// resolve is the commit that a branch, a tag or a hash names, "" if none.
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

// isAncestor tells whether commit b has commit a in its history.
func (r *Repo) isAncestor(a, b string) bool {
	_, err := r.git("", "merge-base", "--is-ancestor", a, b)
	return err == nil
}

// sync takes notice of what was pushed.
func (r *Repo) sync() {
	log, err := os.ReadFile(filepath.Join(r.Dir, "ghtest-pushes"))
	if err != nil && !os.IsNotExist(err) {
		r.server.t.Error(err)
	}
	end := bytes.LastIndexByte(log, '\n') + 1
	for line := range strings.Lines(string(log[r.pushed:end])) {
		if f := strings.Fields(line); len(f) == 3 {
			if branch, ok := strings.CutPrefix(f[2], "refs/heads/"); ok {
				r.moved(branch, strings.ReplaceAll(f[1], noOid, ""), "somebody")
			}
		}
	}
	r.pushed = end
	now := r.branches()
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

// moved is what becomes of the pull requests of a branch that has gone to a
// commit, or away.
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
		case !p.Open:
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

// PullRequests are the repository's pull requests, the oldest first.
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

// act does what a person does on the pull request's page.
func (r *Repo) act(number int, do func(p *pull)) {
	r.server.t.Helper()
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.sync()
	p := r.pull(number)
	if p == nil {
		r.server.t.Errorf("ghtest: no pull request #%d", number)
		return
	}
	do(p)
}

// Close has a person close a pull request.
func (r *Repo) Close(number int, by string) {
	r.act(number, func(p *pull) { p.close(by) })
}

// Reopen has a person open it again.
func (r *Repo) Reopen(number int) {
	r.act(number, func(p *pull) { p.Open, p.ClosedBy, p.closed = true, "", "" })
}

// Comment has a person comment on it.
func (r *Repo) Comment(number int, by, body string) {
	r.act(number, func(p *pull) {
		p.Comments = append(p.Comments, Comment{by, body, r.server.newID(), now()})
	})
}

// Edit has a person change its body.
func (r *Repo) Edit(number int, body string) {
	r.act(number, func(p *pull) { p.Body = body })
}

// Merge has a person merge a pull request, with a merge commit.
func (r *Repo) Merge(number int, by string) {
	r.act(number, func(p *pull) {
		message := fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s\n", number, r.owner, p.Branch, p.Title)
		tree, err := r.git("", "merge-tree", "--write-tree", r.refs[p.Base], p.Head)
		if err != nil {
			r.server.t.Errorf("ghtest: #%d cannot be merged: %v", number, err)
			return
		}
		oid, err := r.commit(strings.TrimSpace(tree), message, by, r.refs[p.Base], p.Head)
		if err == nil {
			err = r.updateRefs(by, refUpdate{p.Base, r.refs[p.Base], oid})
		}
		if err != nil {
			r.server.t.Error(err)
		}
	})
}

// CommitAs has a person commit files to a branch, and push.
func (r *Repo) CommitAs(email, branch string, files gittest.Files, message string) (oid string) {
	r.server.t.Helper()
	oid = r.Repo.Commit(branch, files, message)
	out, err := r.git("", "cat-file", "commit", oid)
	if err == nil {
		out, err = r.git(strings.ReplaceAll(out, "test@example.com", email), "hash-object", "-t", "commit", "-w", "--stdin")
	}
	if err == nil {
		oid = strings.TrimSpace(out)
		_, err = r.git("", "update-ref", "refs/heads/"+branch, oid)
	}
	if err != nil {
		r.server.t.Error(err)
	}
	return oid
}

// commit makes a commit object in somebody's name, as GitHub does.
func (r *Repo) commit(tree, message, by string, parents ...string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", tree)
	for _, p := range parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	at := time.Now().Unix()
	fmt.Fprintf(&b, "author %s <%s> %d +0000\ncommitter GitHub <noreply@github.com> %d +0000\n\n%s", by, noreply(by), at, at, message)
	out, err := r.git(b.String(), "hash-object", "-t", "commit", "-w", "--stdin")
	oid := strings.TrimSpace(out)
	r.verified[oid] = err == nil
	return oid, err
}

// noreply is the address that GitHub gives an account.
func noreply(login string) string { return "1+" + login + "@users.noreply.github.com" }

type refUpdate struct{ branch, from, to string }

// updateRefs moves branches, all or none.
func (r *Repo) updateRefs(by string, updates ...refUpdate) error {
	var in strings.Builder
	for _, u := range updates {
		from, to := u.from, u.to
		if from == "" {
			from = noOid
		}
		if to == "" {
			to = noOid
		}
		fmt.Fprintf(&in, "update refs/heads/%s %s %s\n", u.branch, to, from)
	}
	if _, err := r.git(in.String(), "update-ref", "--stdin"); err != nil {
		return err
	}
	for _, u := range updates {
		r.moved(u.branch, u.to, by)
	}
	return nil
}
