package ghtest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pullObject returns what GitHub's two schemas of pull requests have in common.
func (r *Repo) pullObject(p *pull) object {
	number := strconv.Itoa(p.Number)
	labels, teams := []any{}, []any{}
	for _, l := range p.Labels {
		labels = append(labels, r.labelObject(l))
	}
	for _, slug := range p.TeamReview {
		teams = append(teams, object{"slug": slug, "name": slug})
	}
	state := "closed"
	if p.Open {
		state = "open"
	}
	side := func(branch, oid string) object {
		return object{"label": r.owner + ":" + branch, "ref": branch, "sha": oid, "user": r.server.user(r.owner), "repo": r.repoObject()}
	}
	head := side(p.Branch, p.Head)
	if p.fork != "" {
		fork := r.repoObject()
		fork["id"], fork["full_name"], fork["owner"] = r.id+1_000_000, p.fork+"/"+r.name, r.server.user(p.fork)
		head["label"], head["user"], head["repo"] = p.fork+":"+p.Branch, r.server.user(p.fork), fork
	}
	out := object{
		"id": p.id, "node_id": fmt.Sprintf("PR_%d", p.id), "number": p.Number, "state": state, "title": p.Title, "body": orNil(p.Body), "draft": p.Draft,
		"url": r.api("pulls", number), "html_url": r.URL() + "/pull/" + number, "user": r.server.user(p.Author), "labels": labels,
		"assignees": r.server.users(p.Assignees), "requested_reviewers": r.server.users(p.Reviewers), "requested_teams": teams,
		"created_at": p.created, "updated_at": p.updated, "closed_at": orNil(p.closed), "merged_at": nil, "merge_commit_sha": orNil(p.mergeHead),
		"head": head, "base": side(p.Base, p.baseHead), "author_association": "COLLABORATOR", "auto_merge": nil,
	}
	if p.Merged {
		out["merged_at"] = p.closed
	}
	if p.AutoMerge != "" {
		out["auto_merge"] = object{"enabled_by": r.server.user(p.Author), "merge_method": strings.ToLower(p.AutoMerge)}
	}
	return out
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (x *exchange) pull(status int, p *pull) {
	value := x.repo.pullObject(p)
	// Whether it can be merged is worked out later.
	maps.Copy(value, object{"merged": p.Merged, "mergeable": nil, "mergeable_state": "unknown", "comments": len(p.Comments), "merged_by": nil})
	x.json(status, x.server.shape("pull-request", value))
}

// numbered returns the pull request that the path names, nil and an answer if there is
// none.
func (x *exchange) numbered() *pull {
	number, _ := strconv.Atoi(cmp.Or(x.params["pull_number"], x.params["issue_number"]))
	p := x.repo.pull(number)
	if p == nil {
		x.fail(http.StatusNotFound, "Not Found")
	}
	return p
}

func (x *exchange) listPulls() {
	query := x.request.URL.Query()
	state := cmp.Or(query.Get("state"), "open")
	var all []any
	for _, p := range x.repo.pulls {
		if state == "open" && !p.Open || state == "closed" && p.Open {
			continue
		}
		// A head without its owner is not looked at.
		if head := query.Get("head"); strings.Contains(head, ":") && head != cmp.Or(p.fork, x.repo.owner)+":"+p.Branch {
			continue
		}
		if base := query.Get("base"); base != "" && base != p.Base {
			continue
		}
		all = append(all, x.server.shape("pull-request-simple", x.repo.pullObject(p)))
	}
	if query.Get("direction") != "asc" {
		slices.Reverse(all)
	}
	x.page(all)
}

func (x *exchange) createPull() {
	in := input[struct {
		Title, Body, Head, Base string
		Draft                   bool
	}](x)
	r := x.repo
	head := strings.TrimPrefix(in.Head, r.owner+":")
	custom := func(field, message string) { x.invalid(fieldError{"PullRequest", field, "custom", message}) }
	switch open := r.openPull(head, in.Base); {
	case r.refs[in.Base] == "":
		x.invalid(fieldError{Resource: "PullRequest", Field: "base", Code: "invalid"})
		return
	case r.Lag > 0, r.refs[head] == "":
		r.Lag = max(0, r.Lag-1)
		x.invalid(fieldError{Resource: "PullRequest", Field: "head", Code: "invalid"})
		return
	case in.Title == "":
		x.invalid(fieldError{Resource: "PullRequest", Field: "title", Code: "missing_field"})
		return
	case utf8.RuneCountInString(in.Body) > longestBody:
		custom("body", "body is too long (maximum is 65536 characters)")
		return
	case r.isAncestor(r.refs[head], r.refs[in.Base]):
		custom("", fmt.Sprintf("No commits between %s and %s", in.Base, head))
		return
	case open != nil:
		custom("", fmt.Sprintf("A pull request already exists for %s:%s.", r.owner, head))
		return
	case in.Draft && r.NoDrafts:
		x.fail(http.StatusUnprocessableEntity, "Draft pull requests are not supported in this repository.")
		return
	}
	p := &pull{id: x.server.newID(), baseHead: r.refs[in.Base], created: now(), updated: now(), PullRequest: PullRequest{
		Number: len(r.pulls) + 1, Title: in.Title, Body: in.Body, Open: true, Draft: in.Draft,
		Branch: head, Head: r.refs[head], Base: in.Base, Author: x.login,
	}}
	r.pulls = append(r.pulls, p)
	x.reply.Header().Set("Location", r.api("pulls", strconv.Itoa(p.Number)))
	x.pull(http.StatusCreated, p)
}

func (r *Repo) openPull(head, base string) *pull {
	for _, p := range r.pulls {
		if p.Open && p.Branch == head && p.Base == base && p.fork == "" {
			return p
		}
	}
	return nil
}

func (x *exchange) editPull() {
	p := x.numbered()
	if p == nil {
		return
	}
	in := input[struct{ Title, Body, State *string }](x)
	if in.Body != nil && utf8.RuneCountInString(*in.Body) > longestBody {
		x.invalid(fieldError{"PullRequest", "body", "custom", "body is too long (maximum is 65536 characters)"})
		return
	}
	if in.State != nil && *in.State == "open" && !p.Open {
		why := ""
		switch oid := x.repo.refs[p.Branch]; {
		case p.Merged:
			why = "The pull request cannot be reopened."
		case oid == "":
			why = fmt.Sprintf("state cannot be changed. The %s branch has been deleted.", p.Branch)
		case x.repo.openPull(p.Branch, p.Base) != nil:
			why = fmt.Sprintf("state cannot be changed. There is already an open pull request from %s to %s.", p.Branch, p.Base)
		case oid != p.Head && !x.repo.isAncestor(p.Head, oid):
			why = fmt.Sprintf("state cannot be changed. The %s branch was force-pushed or recreated.", p.Branch)
		}
		if why != "" {
			x.invalid(fieldError{"PullRequest", "state", "invalid", why})
			return
		}
		p.Open, p.ClosedBy, p.closed, p.Head = true, "", "", x.repo.refs[p.Branch]
	}
	if in.Title != nil {
		p.Title = *in.Title
	}
	if in.Body != nil {
		p.Body = *in.Body
	}
	if in.State != nil && *in.State == "closed" && p.Open {
		p.close(x.login)
	}
	p.updated = now()
	x.pull(http.StatusOK, p)
}

func (x *exchange) requestReviewers() {
	p := x.numbered()
	if p == nil {
		return
	}
	in := input[struct {
		Reviewers     []string
		TeamReviewers []string `json:"team_reviewers"`
	}](x)
	if slices.Contains(in.Reviewers, p.Author) {
		x.fail(http.StatusUnprocessableEntity, "Review cannot be requested from pull request author.")
		return
	}
	for _, login := range in.Reviewers {
		if !slices.Contains(x.repo.Collaborators, login) {
			x.fail(http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the "+x.repo.fullName()+" repository.")
			return
		}
	}
	for _, slug := range in.TeamReviewers {
		if !slices.Contains(x.repo.Teams, slug) {
			x.fail(http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. One or more of the teams you specified is not a collaborator of the "+x.repo.fullName()+" repository.")
			return
		}
	}
	p.give(&p.Reviewers, "ReviewRequestedEvent", in.Reviewers...)
	p.give(&p.TeamReview, "ReviewRequestedEvent", in.TeamReviewers...)
	x.json(http.StatusCreated, x.server.shape("pull-request-simple", x.repo.pullObject(p)))
}

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
	p.give(&p.Labels, "LabeledEvent", in.Labels...)
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
			p.give(&p.Assignees, "AssignedEvent", login)
		}
	}
	x.issue(http.StatusCreated, p)
}
