package ghtest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// longestBody is how many characters a pull request's body may have.
const longestBody = 65536

// operations are what the server can do of GitHub's REST API.
var operations = map[string]func(*exchange){
	"GET /user":                                                 (*exchange).getUser,
	"GET /repos/{owner}/{repo}":                                 (*exchange).getRepo,
	repoPath("GET", "commits"):                                  (*exchange).listCommits,
	repoPath("GET", "branches/{branch}"):                        (*exchange).getBranch,
	repoPath("GET", "commits/{ref}"):                            (*exchange).getCommit,
	repoPath("GET", "compare/{basehead}"):                       (*exchange).compare,
	repoPath("GET", "git/blobs/{file_sha}"):                     (*exchange).getBlob,
	repoPath("GET", "git/ref/{ref}"):                            (*exchange).getRef,
	repoPath("GET", "git/matching-refs/{ref}"):                  (*exchange).listRefs,
	repoPath("POST", "git/refs"):                                (*exchange).createRef,
	repoPath("PATCH", "git/refs/{ref}"):                         (*exchange).updateRef,
	repoPath("DELETE", "git/refs/{ref}"):                        (*exchange).deleteRef,
	repoPath("GET", "pulls"):                                    (*exchange).listPulls,
	repoPath("POST", "pulls"):                                   (*exchange).createPull,
	repoPath("GET", "pulls/{pull_number}"):                      (*exchange).getPull,
	repoPath("PATCH", "pulls/{pull_number}"):                    (*exchange).editPull,
	repoPath("GET", "pulls/{pull_number}/commits"):              (*exchange).listPullCommits,
	repoPath("POST", "pulls/{pull_number}/requested_reviewers"): (*exchange).requestReviewers,
	repoPath("GET", "issues/{issue_number}"):                    (*exchange).getIssue,
	repoPath("GET", "issues/{issue_number}/comments"):           (*exchange).listComments,
	repoPath("POST", "issues/{issue_number}/comments"):          (*exchange).createComment,
	repoPath("GET", "issues/{issue_number}/labels"):             (*exchange).listLabels,
	repoPath("POST", "issues/{issue_number}/labels"):            (*exchange).addLabels,
	repoPath("POST", "issues/{issue_number}/assignees"):         (*exchange).addAssignees,
}

func repoPath(method, rest string) string { return method + " /repos/{owner}/{repo}/" + rest }

type object = map[string]any

// answerREST does an operation, and holds it against the description.
func (x *exchange) answerREST() {
	if x.route == nil {
		x.server.t.Errorf("ghtest: %s is not in the description", x.kind)
		x.fail(http.StatusNotFound, "Not Found")
		return
	}
	do := operations[x.route.kind]
	if do == nil {
		x.server.t.Errorf("ghtest: %s is not done here", x.route.kind)
		x.fail(http.StatusNotFound, "Not Found")
		return
	}
	defer x.check()
	x.reply.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
	writes := x.request.Method != http.MethodGet
	if owner := x.params["owner"]; owner != "" {
		x.repo = x.server.repos[strings.ToLower(owner+"/"+x.params["repo"])]
		switch {
		case x.repo == nil, x.repo.Private && x.login == "":
			x.fail(http.StatusNotFound, "Not Found")
			return
		case writes && x.login == "":
			x.fail(http.StatusUnauthorized, "Requires authentication")
			return
		case writes && x.server.options.ReadOnly:
			needs := "contents=write"
			if strings.Contains(x.kind, "/pulls") {
				needs = "pull_requests=write"
			} else if strings.Contains(x.kind, "/issues") {
				needs = "issues=write; pull_requests=write"
			}
			x.reply.Header().Set("X-Accepted-GitHub-Permissions", needs)
			x.fail(http.StatusForbidden, "Resource not accessible by integration")
			return
		}
		x.repo.sync()
	}
	if writes && len(x.body) > 0 && !json.Valid(x.body) {
		x.fail(http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	do(x)
}

// input reads the request's body.
func input[T any](x *exchange) T {
	var v T
	if err := json.Unmarshal(x.body, &v); err != nil {
		x.server.t.Errorf("ghtest: %s: %v", x.kind, err)
	}
	return v
}

// page answers with a page of a list, and links to the others.
func (x *exchange) page(all []any) {
	x.json(http.StatusOK, x.cut(all, 30))
}

func (x *exchange) cut(all []any, usual int) []any {
	query := x.request.URL.Query()
	size, _ := strconv.Atoi(query.Get("per_page"))
	if size <= 0 {
		size = usual
	}
	size = min(size, cmp.Or(x.server.options.PageSize, 100))
	number, _ := strconv.Atoi(query.Get("page"))
	number = max(1, number)
	last := max(1, (len(all)+size-1)/size)
	var links []string
	link := func(n int, rel string) {
		query.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf("<%s%s?%s>; rel=%q", x.server.URL, x.request.URL.EscapedPath(), query.Encode(), rel))
	}
	if number > 1 {
		link(number-1, "prev")
		link(1, "first")
	}
	if number < last {
		link(number+1, "next")
		link(last, "last")
	}
	if len(links) > 0 {
		x.reply.Header().Set("Link", strings.Join(links, ", "))
	}
	from := min(len(all), (number-1)*size)
	return append([]any{}, all[from:min(len(all), from+size)]...)
}

func (s *Server) user(login string) object {
	kind := "User"
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	escaped := url.PathEscape(login)
	id := 0
	for _, c := range []byte(login) {
		id = id*31%1_000_003 + int(c)
	}
	return object{"login": login, "id": id, "type": kind, "url": s.APIURL() + "/users/" + escaped, "html_url": s.URL + "/" + escaped}
}

func (s *Server) userOrNil(login string) any {
	if login == "" {
		return nil
	}
	return s.user(login)
}

func (s *Server) users(logins []string) []any {
	out := []any{}
	for _, login := range logins {
		out = append(out, s.user(login))
	}
	return out
}

func (x *exchange) getUser() {
	if x.login == "" {
		x.fail(http.StatusUnauthorized, "Requires authentication")
		return
	}
	if strings.HasSuffix(x.login, "[bot]") {
		x.fail(http.StatusForbidden, "Resource not accessible by integration")
		return
	}
	x.json(http.StatusOK, x.server.shape("public-user", x.server.user(x.login)))
}

func (r *Repo) api(elements ...string) string {
	return r.server.APIURL() + "/repos/" + r.fullName() + "/" + strings.Join(elements, "/")
}

func (r *Repo) repoObject() object {
	return object{
		"id": r.id, "node_id": r.nodeID(), "name": r.name, "full_name": r.fullName(), "private": r.Private, "owner": r.server.user(r.owner),
		"html_url": r.URL(), "url": strings.TrimSuffix(r.api(), "/"), "default_branch": r.defaultBranch(), "allow_auto_merge": r.AllowAutoMerge,
	}
}

func (x *exchange) getRepo() {
	x.json(http.StatusOK, x.server.shape("full-repository", x.repo.repoObject()))
}

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
	if old == "" || x.repo.updateRefs(x.login, refUpdate{branch, old, ""}) != nil {
		x.fail(http.StatusUnprocessableEntity, "Reference does not exist")
		return
	}
	x.reply.WriteHeader(http.StatusNoContent)
}

// pullObject is what GitHub's two schemas of pull requests have in common.
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
	out := object{
		"id": p.id, "node_id": fmt.Sprintf("PR_%d", p.id), "number": p.Number, "state": state, "title": p.Title, "body": orNil(p.Body), "draft": p.Draft,
		"url": r.api("pulls", number), "html_url": r.URL() + "/pull/" + number, "user": r.server.user(p.Author), "labels": labels,
		"assignees": r.server.users(p.Assignees), "requested_reviewers": r.server.users(p.Reviewers), "requested_teams": teams,
		"created_at": p.created, "updated_at": p.updated, "closed_at": orNil(p.closed), "merged_at": nil, "merge_commit_sha": orNil(p.mergeHead),
		"head": side(p.Branch, p.Head), "base": side(p.Base, p.baseHead), "author_association": "COLLABORATOR", "auto_merge": nil,
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

// numbered is the pull request that the path names, nil and an answer if there is
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
		if head := query.Get("head"); strings.Contains(head, ":") && head != x.repo.owner+":"+p.Branch {
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
		if p.Open && p.Branch == head && p.Base == base {
			return p
		}
	}
	return nil
}

func (x *exchange) getPull() {
	if p := x.numbered(); p != nil {
		x.pull(http.StatusOK, p)
	}
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

func (x *exchange) listPullCommits() {
	if p := x.numbered(); p != nil {
		revisions := x.repo.log("--reverse", p.baseHead+".."+p.Head)
		x.page(x.repo.commitObjects(revisions[:min(250, len(revisions))]))
	}
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
	p.Reviewers, p.TeamReview = union(p.Reviewers, in.Reviewers), union(p.TeamReview, in.TeamReviewers)
	x.json(http.StatusCreated, x.server.shape("pull-request-simple", x.repo.pullObject(p)))
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
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
