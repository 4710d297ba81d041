package ghtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

func (x *exchange) ref(status int, branch string) {
	x.json(status, x.server.shape("git-ref", x.repo.gitRef(branch)))
}

func (r *Repo) gitRef(branch string) object {
	oid := r.refs[branch]
	return object{
		"ref": "refs/heads/" + branch, "node_id": "REF_" + branch, "url": r.api("git/refs/heads", branch),
		"object": object{"type": "commit", "sha": oid, "url": r.api("git/commits", oid)},
	}
}

func (x *exchange) listRefs() {
	all := []any{}
	for _, branch := range slices.Sorted(maps.Keys(x.repo.refs)) {
		if strings.HasPrefix("heads/"+branch, x.params["ref"]) {
			all = append(all, x.server.shape("git-ref", x.repo.gitRef(branch)))
		}
	}
	x.page(all)
}

func (x *exchange) getRef() {
	branch, ok := strings.CutPrefix(x.params["ref"], "heads/")
	if !ok || x.repo.refs[branch] == "" {
		x.fail(http.StatusNotFound, "Not Found")
		return
	}
	x.ref(http.StatusOK, branch)
}

func (x *exchange) createRef() {
	in := input[struct{ Ref, SHA string }](x)
	branch, ok := strings.CutPrefix(in.Ref, "refs/heads/")
	switch {
	case !ok:
		x.fail(http.StatusUnprocessableEntity, "Reference name must start with 'refs/heads/' or 'refs/tags/'.")
	case x.repo.refs[branch] != "":
		x.fail(http.StatusUnprocessableEntity, "Reference already exists")
	case x.repo.resolve(in.SHA) != in.SHA:
		x.fail(http.StatusUnprocessableEntity, "Object does not exist")
	case x.repo.updateRefs(x.login, refUpdate{branch, "", in.SHA}) != nil:
		x.fail(http.StatusUnprocessableEntity, "Reference update failed")
	default:
		x.ref(http.StatusCreated, branch)
	}
}

func (x *exchange) updateRef() {
	in := input[struct {
		SHA   string
		Force bool
	}](x)
	branch, _ := strings.CutPrefix(x.params["ref"], "heads/")
	old := x.repo.refs[branch]
	switch {
	case old == "":
		x.fail(http.StatusUnprocessableEntity, "Reference does not exist")
	case x.repo.resolve(in.SHA) != in.SHA:
		x.fail(http.StatusUnprocessableEntity, "Object does not exist")
	case !in.Force && !x.repo.isAncestor(old, in.SHA):
		x.fail(http.StatusUnprocessableEntity, "Update is not a fast forward")
	case x.repo.updateRefs(x.login, refUpdate{branch, old, in.SHA}) != nil:
		x.fail(http.StatusUnprocessableEntity, "Reference update failed")
	default:
		x.ref(http.StatusOK, branch)
	}
}

func (x *exchange) deleteRef() {
	branch, _ := strings.CutPrefix(x.params["ref"], "heads/")
	old := x.repo.refs[branch]
	err := x.repo.updateRefs(x.login, refUpdate{branch, old, ""})
	if err == errKept {
		x.fail(http.StatusUnprocessableEntity, kept)
		return
	}
	if old == "" || err != nil {
		x.fail(http.StatusUnprocessableEntity, "Reference does not exist")
		return
	}
	x.reply.WriteHeader(http.StatusNoContent)
}
