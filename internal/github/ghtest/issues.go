package ghtest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (x *exchange) issue(status int, p *pull) {
	value := x.repo.pullObject(p)
	for _, key := range []string{"head", "base", "merge_commit_sha", "merged_at", "auto_merge", "requested_reviewers", "requested_teams"} {
		delete(value, key)
	}
	page := x.repo.URL() + "/pull/" + strconv.Itoa(p.Number)
	maps.Copy(value, object{
		"node_id": fmt.Sprintf("PR_%d", p.id), "url": x.repo.api("issues", strconv.Itoa(p.Number)), "comments": len(p.Comments),
		"closed_by": x.server.userOrNil(p.ClosedBy), "pull_request": object{"url": x.repo.api("pulls", strconv.Itoa(p.Number)), "html_url": page},
	})
	x.json(status, x.server.shape("issue", value))
}

func (x *exchange) getIssue() {
	if p := x.numbered(); p != nil {
		x.issue(http.StatusOK, p)
	}
}

func (x *exchange) commentObject(p *pull, c Comment) any {
	return x.server.shape("issue-comment", object{
		"id": c.id, "node_id": fmt.Sprintf("IC_%d", c.id), "body": c.Body, "user": x.server.user(c.Author), "created_at": c.at, "updated_at": c.at,
		"html_url": fmt.Sprintf("%s/pull/%d#issuecomment-%d", x.repo.URL(), p.Number, c.id), "author_association": "COLLABORATOR",
	})
}

func (x *exchange) listComments() {
	p := x.numbered()
	if p == nil {
		return
	}
	var all []any
	for _, c := range p.Comments {
		all = append(all, x.commentObject(p, c))
	}
	x.page(all)
}

func (x *exchange) createComment() {
	p := x.numbered()
	if p == nil {
		return
	}
	in := input[struct{ Body string }](x)
	if strings.TrimSpace(in.Body) == "" {
		x.invalid(fieldError{Resource: "IssueComment", Field: "data", Code: "unprocessable", Message: "Body cannot be blank"})
		return
	}
	c := Comment{x.login, in.Body, x.server.newID(), now()}
	p.Comments = append(p.Comments, c)
	x.json(http.StatusCreated, x.commentObject(p, c))
}

func (r *Repo) labelObject(name string) object {
	return object{"id": len(name), "node_id": "LA_" + name, "name": name, "color": "ededed", "default": false, "description": "", "url": r.api("labels", url.PathEscape(name))}
}

func (x *exchange) labels(p *pull) {
	var all []any
	for _, l := range p.Labels {
		all = append(all, x.server.shape("label", x.repo.labelObject(l)))
	}
	x.page(all)
}

func (x *exchange) listLabels() {
	if p := x.numbered(); p != nil {
		x.labels(p)
	}
}

func (x *exchange) addLabels() {
	p := x.numbered()
	if p == nil {
		return
	}
	in := input[struct{ Labels []string }](x)
	for _, l := range in.Labels {
		if l == "" || len(l) > 50 {
			x.invalid(fieldError{Resource: "Label", Field: "name", Code: "invalid"})
			return
		}
	}
	p.Labels = union(p.Labels, in.Labels)
	x.labels(p)
}

// addAssignees passes over whom it does not know without a word, as GitHub does.
func (x *exchange) addAssignees() {
	p := x.numbered()
	if p == nil {
		return
	}
	in := input[struct{ Assignees []string }](x)
	for _, login := range in.Assignees {
		if slices.Contains(x.repo.Collaborators, login) {
			p.Assignees = union(p.Assignees, []string{login})
		}
	}
	x.issue(http.StatusCreated, p)
}
