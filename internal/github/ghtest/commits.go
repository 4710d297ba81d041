package ghtest

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// revision is a commit of the repository.
type revision struct {
	oid, tree, message string
	parents            []string
	author, committer  struct{ name, email, date string }
}

// logs are the answers of git log so far, by its arguments. Those name commits by
// their hashes, so that an answer is always the same.
var logs sync.Map

// log reads commits: those that git log lists for the arguments, in its order.
func (r *Repo) log(args ...string) []revision {
	key := strings.Join(args, "\x00")
	if known, ok := logs.Load(key); ok {
		return known.([]revision)
	}
	out, err := r.git("", append([]string{"log", "-z", "--format=%H%n%T%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B"}, args...)...)
	if err != nil {
		r.server.t.Errorf("ghtest: %v", err)
	}
	var all []revision
	for one := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		f := strings.SplitN(one, "\n", 10)
		if len(f) < 10 {
			continue
		}
		c := revision{oid: f[0], tree: f[1], parents: strings.Fields(f[2]), message: strings.TrimRight(f[9], "\n")}
		c.author.name, c.author.email, c.author.date = f[3], f[4], f[5]
		c.committer.name, c.committer.email, c.committer.date = f[6], f[7], f[8]
		all = append(all, c)
	}
	if err == nil {
		logs.Store(key, all)
	}
	return all
}

func (r *Repo) revision(oid string) revision { return r.log("-1", oid)[0] }

// account is the account that an address belongs to, nil if none does.
func (r *Repo) account(email string) any {
	login, ok := r.Accounts[email]
	if !ok && email == "noreply@github.com" {
		login, ok = "web-flow", true
	}
	if !ok {
		if login, ok = strings.CutSuffix(email, "@users.noreply.github.com"); ok {
			_, login, _ = strings.Cut(login, "+")
		}
	}
	if !ok {
		return nil
	}
	return r.server.user(login)
}

func (r *Repo) commitObject(c revision) object {
	reason := "unsigned"
	if r.verified[c.oid] {
		reason = "valid"
	}
	parents := []any{}
	for _, p := range c.parents {
		parents = append(parents, object{"sha": p, "url": r.api("commits", p), "html_url": r.URL() + "/commit/" + p})
	}
	return object{
		"sha": c.oid, "node_id": "C_" + c.oid, "url": r.api("commits", c.oid), "html_url": r.URL() + "/commit/" + c.oid,
		"author": r.account(c.author.email), "committer": r.account(c.committer.email), "parents": parents,
		"commit": object{
			"message": c.message, "tree": object{"sha": c.tree, "url": r.api("git/trees", c.tree)},
			"author":       object{"name": c.author.name, "email": c.author.email, "date": c.author.date},
			"committer":    object{"name": c.committer.name, "email": c.committer.email, "date": c.committer.date},
			"verification": object{"verified": r.verified[c.oid], "reason": reason},
		},
	}
}

func (r *Repo) commitObjects(revisions []revision) []any {
	out := []any{}
	for _, c := range revisions {
		out = append(out, r.server.shape("commit", r.commitObject(c)))
	}
	return out
}

func (x *exchange) listCommits() {
	ref := cmp.Or(x.request.URL.Query().Get("sha"), x.repo.defaultBranch())
	oid := x.repo.resolve(ref)
	if oid == "" {
		x.fail(http.StatusNotFound, "Not Found")
		return
	}
	args := []string{oid}
	if path := x.request.URL.Query().Get("path"); path != "" {
		args = append(args, "--", path)
	}
	x.page(x.repo.commitObjects(x.repo.log(args...)))
}

func (x *exchange) getBranch() {
	oid := x.repo.refs[x.params["branch"]]
	if oid == "" {
		x.fail(http.StatusNotFound, "Branch not found")
		return
	}
	x.json(http.StatusOK, x.server.shape("branch-with-protection", object{"name": x.params["branch"], "commit": x.repo.commitObject(x.repo.revision(oid))}))
}

func (x *exchange) getCommit() {
	oid := x.repo.resolve(x.params["ref"])
	if oid == "" {
		x.fail(http.StatusUnprocessableEntity, "No commit found for SHA: "+x.params["ref"])
		return
	}
	x.json(http.StatusOK, x.server.shape("commit", x.repo.commitObject(x.repo.revision(oid))))
}

func (x *exchange) compare() {
	r := x.repo
	baseName, headName, ok := strings.Cut(x.params["basehead"], "...")
	base, head := r.resolve(baseName), r.resolve(headName)
	if !ok || base == "" || head == "" {
		x.fail(http.StatusNotFound, "Not Found")
		return
	}
	found, err := r.git("", "merge-base", base, head)
	if err != nil {
		x.fail(http.StatusNotFound, fmt.Sprintf("No common ancestor between %s and %s.", baseName, headName))
		return
	}
	ahead, behind := r.log("--reverse", base+".."+head), r.log(head+".."+base)
	status := "identical"
	switch {
	case len(ahead) > 0 && len(behind) > 0:
		status = "diverged"
	case len(ahead) > 0:
		status = "ahead"
	case len(behind) > 0:
		status = "behind"
	}
	page := r.URL() + "/compare/" + baseName + "..." + headName
	x.json(http.StatusOK, x.server.shape("commit-comparison", object{
		"status": status, "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead), "html_url": page,
		"base_commit": r.commitObject(r.revision(base)), "merge_base_commit": r.commitObject(r.revision(strings.TrimSpace(found))),
		"commits": x.cut(r.commitObjects(ahead), 100),
	}))
}
