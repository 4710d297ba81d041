package ghtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// longestBody is how many characters a pull request's body may have.
const longestBody = 65536

// operations are what the server can do of GitHub's REST API.
var operations = map[string]func(*exchange){
	"GET /repos/{owner}/{repo}":                                 (*exchange).getRepo,
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
	repoPath("PATCH", "pulls/{pull_number}"):                    (*exchange).editPull,
	repoPath("POST", "pulls/{pull_number}/requested_reviewers"): (*exchange).requestReviewers,
	repoPath("GET", "issues/{issue_number}"):                    (*exchange).getIssue,
	repoPath("GET", "issues/{issue_number}/comments"):           (*exchange).listComments,
	repoPath("POST", "issues/{issue_number}/comments"):          (*exchange).createComment,
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

func (r *Repo) api(elements ...string) string {
	return r.server.APIURL() + "/repos/" + r.fullName() + "/" + strings.Join(elements, "/")
}

func (r *Repo) repoObject() object {
	return object{
		"id": r.id, "node_id": r.nodeID(), "name": r.name, "full_name": r.fullName(), "private": r.Private, "owner": r.server.user(r.owner),
		"html_url": r.URL(), "url": strings.TrimSuffix(r.api(), "/"), "default_branch": r.DefaultBranch(), "allow_auto_merge": r.AllowAutoMerge,
	}
}

func (x *exchange) getRepo() {
	x.json(http.StatusOK, x.server.shape("full-repository", x.repo.repoObject()))
}
