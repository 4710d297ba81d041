package ghtest

import (
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/gitrepo/gittest"
)

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

// Reopen has a person open it again, and restore its branch before that.
func (r *Repo) Reopen(number int) {
	r.act(number, func(p *pull) {
		if r.refs[p.Branch] == "" {
			if err := r.updateRefs("carol", refUpdate{p.Branch, "", p.Head}); err != nil {
				r.server.t.Error(err)
			}
		}
		p.Open, p.ClosedBy, p.closed = true, "", ""
	})
}

// Ready has a person take it for more than a draft.
func (r *Repo) Ready(number int) {
	r.act(number, func(p *pull) { p.Draft = false })
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

// Take has a person take labels, assignees and requests for reviews off a pull request.
// A reviewer or a team that answers is no longer asked either.
func (r *Repo) Take(number int, names ...string) {
	r.act(number, func(p *pull) {
		for _, list := range []*[]string{&p.Labels, &p.Assignees, &p.Reviewers, &p.TeamReview} {
			*list = slices.DeleteFunc(*list, func(name string) bool { return slices.Contains(names, name) })
		}
	})
}

// Merge has a person merge a pull request, with a merge commit.
func (r *Repo) Merge(number int, by string) {
	r.act(number, func(p *pull) {
		r.merge(p, by, fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s\n", number, r.owner, p.Branch, p.Title), r.refs[p.Base], p.Head)
	})
}

// Squash has a person squash and merge it under a title, and perhaps delete its branch.
func (r *Repo) Squash(number int, by, title string, deleteBranch bool) {
	r.act(number, func(p *pull) {
		r.merge(p, by, title+"\n", r.refs[p.Base])
		if deleteBranch {
			if err := r.updateRefs(by, refUpdate{p.Branch, r.refs[p.Branch], ""}); err != nil {
				r.server.t.Error(err)
			}
		}
	})
}

// merge puts a pull request on its base, as a commit with parents.
func (r *Repo) merge(p *pull, by, message string, parents ...string) {
	base := r.refs[p.Base]
	tree, err := r.merged(base, p.Head)
	if err != nil {
		r.server.t.Errorf("ghtest: #%d cannot be merged: %v", p.Number, err)
		return
	}
	oid := r.commit(tree, message, by, parents...)
	p.Merged, p.mergeHead = true, oid
	p.close(by)
	if err := r.updateRefs(by, refUpdate{p.Base, base, oid}); err != nil {
		r.server.t.Error(err)
	}
}

// UpdateBranch has a person click on "Update branch": the base is merged into the head.
func (r *Repo) UpdateBranch(number int, by string) {
	r.act(number, func(p *pull) {
		base := r.refs[p.Base]
		tree, err := r.merged(p.Head, base)
		if err == nil {
			oid := r.commit(tree, fmt.Sprintf("Merge branch '%s' into %s\n", p.Base, p.Branch), by, p.Head, base)
			err = r.updateRefs(by, refUpdate{p.Branch, p.Head, oid})
		}
		if err != nil {
			r.server.t.Errorf("ghtest: #%d: %v", number, err)
		}
	})
}

// Open has a person open a pull request for a branch, of the repository or of a fork.
func (r *Repo) Open(by, base, branch string, fork bool) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.sync()
	p := &pull{id: r.server.newID(), baseHead: r.refs[base], created: now(), updated: now(), PullRequest: PullRequest{
		Number: len(r.pulls) + 1, Title: "A pull request", Open: true, Branch: branch, Head: r.refs[branch], Base: base, Author: by,
	}}
	if fork {
		p.fork = by
	}
	r.pulls = append(r.pulls, p)
}

// Protect has a rule keep a branch from being deleted, on every way.
func (r *Repo) Protect(branch string) {
	r.Kept = append(r.Kept, branch)
	r.Hook("update", `test "$1" != refs/heads/`+branch+` -o "$3" != `+noOid+` || { echo "error: GH006: `+kept+`" >&2; exit 1; }`)
}

// merged returns the tree of a commit with another merged into it.
func (r *Repo) merged(base, head string) (tree string, err error) {
	if r.isAncestor(base, head) {
		return r.Tree(head), nil
	}
	out, err := r.git("merge-tree", "--write-tree", base, head)
	return strings.TrimSpace(out), err
}

// CommitAs has a person commit files to a branch, and push.
func (r *Repo) CommitAs(email, branch string, files gittest.Files, message string) (oid string) {
	r.server.t.Helper()
	oid = r.Repo.Commit(branch, files, message)
	theirs := r.WriteObject("commit", strings.ReplaceAll(r.ReadObject("commit", oid), "test@example.com", email))
	if err := r.SetBranch(branch, oid, theirs); err != nil {
		r.server.t.Error(err)
	}
	return theirs
}

// Revert has a person put a commit on a branch that takes its last one back.
func (r *Repo) Revert(branch, email string) {
	r.server.t.Helper()
	tip := r.Tip(branch)
	before := r.revision(tip).parents[0]
	who := email[:strings.IndexByte(email, '@')] + " <" + email + "> 1767323045 +0000"
	oid := r.WriteObject("commit", fmt.Sprintf("tree %s\nparent %s\nauthor %s\ncommitter %[3]s\n\nRevert\n", r.Tree(before), tip, who))
	if err := r.SetBranch(branch, tip, oid); err != nil {
		r.server.t.Error(err)
	}
}

// Verified reports whether GitHub signed a commit.
func (r *Repo) Verified(oid string) bool {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	return r.verified[oid]
}
