package ghtest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// account returns the account that an address belongs to, nil if none does.
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
	found := r.mergeBase(base, head)
	if found == "" {
		x.fail(http.StatusNotFound, fmt.Sprintf("No common ancestor between %s and %s.", baseName, headName))
		return
	}
	ahead, behind := r.between(base, head), r.between(head, base)
	slices.Reverse(ahead)
	status := "identical"
	switch {
	case len(ahead) > 0 && len(behind) > 0:
		status = "diverged"
	case len(ahead) > 0:
		status = "ahead"
	case len(behind) > 0:
		status = "behind"
	}
	files := []any{}
	if page := x.request.URL.Query().Get("page"); page == "" || page == "1" { // GitHub lists them on the first page, and no more than 300
		for _, c := range r.Changes(r.Tree(found), r.Tree(head)) {
			status := "modified"
			switch {
			case c.Old == "":
				status = "added"
			case c.New == "":
				status = "removed"
			}
			if len(files) < 300 {
				files = append(files, object{"sha": cmp.Or(c.New, c.Old), "filename": c.Path, "status": status})
			}
		}
	}
	page := r.URL() + "/compare/" + baseName + "..." + headName
	x.json(http.StatusOK, x.server.shape("commit-comparison", object{
		"status": status, "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead), "html_url": page,
		"base_commit": r.commitObject(r.revision(base)), "merge_base_commit": r.commitObject(r.revision(found)),
		"commits": x.cut(r.commitObjects(ahead), 100), "files": files,
	}))
}

func (x *exchange) getBlob() {
	oid := x.params["file_sha"]
	_, kind, content, _ := x.repo.object(oid)
	if kind != "blob" {
		x.fail(http.StatusNotFound, "Not Found")
		return
	}
	// GitHub breaks the lines of its base64.
	encoded := base64.StdEncoding.EncodeToString([]byte(content))
	var lines strings.Builder
	for chunk := range slices.Chunk([]byte(encoded), 60) {
		lines.Write(chunk)
		lines.WriteByte('\n')
	}
	x.json(http.StatusOK, x.server.shape("blob", object{
		"sha": oid, "node_id": "B_" + oid, "size": len(content), "url": x.repo.api("git/blobs", oid), "content": lines.String(), "encoding": "base64",
	}))
}
