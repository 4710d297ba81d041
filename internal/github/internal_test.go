package github

import (
	"errors"
	"testing"

	"k8srepo/internal/problem"
)

// TestMessageRules pins the texts of GitHub's that nothing but their words tells apart.
func TestMessageRules(t *testing.T) {
	for text, want := range map[string]error{
		"A pull request already exists for example:tagbump/prod/api.":                                                        ErrPullRequestExists,
		"state cannot be changed. There is already an open pull request from x to main.":                                     ErrPullRequestExists,
		"No commits between main and tagbump/prod/api":                                                                       ErrNoDifference,
		"Draft pull requests are not supported in this repository.":                                                          ErrInvalid,
		"Reference already exists":                                                                                           ErrBranchExists,
		"Reference does not exist":                                                                                           ErrNotFound,
		"Update is not a fast forward":                                                                                       ErrHeadMoved,
		"Head branch was modified. Review and try the merge again.":                                                          ErrHeadMoved,
		"Expected branch to point to \"d8a7\" but it did not.  Pull and try again.":                                          ErrHeadMoved,
		"No commit found for SHA: 1234567":                                                                                   ErrNotFound,
		"GitHub Actions is not permitted to create or approve pull requests.":                                                ErrForbidden,
		"Changes must be made through a pull request.":                                                                       ErrProtected,
		"Repository rule violations found\n\nChanges must be made through a pull request.\n\n":                               ErrProtected,
		"Protected branch update failed for refs/heads/main.":                                                                ErrProtected,
		"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.":                          ErrRateLimited,
		"API rate limit exceeded for installation ID 1.":                                                                     ErrRateLimited,
		"Repository was archived so is read-only.":                                                                           ErrForbidden,
		"Resource not accessible by integration":                                                                             ErrForbidden,
		"Resource not accessible by personal access token":                                                                   ErrForbidden,
		"Pull request Protected branch rules not configured for this branch":                                                 ErrAutoMerge,
		"Pull request Pull request is in clean status":                                                                       ErrAutoMerge,
		"Pull request Pull request is in unstable status":                                                                    ErrAutoMerge,
		"Pull request Auto merge is not allowed for this repository":                                                         ErrAutoMerge,
		"Field 'updateRefs' doesn't exist on type 'Mutation'":                                                                errNoUpdateRefs,
		"Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug.": nil,
		"Validation Failed": nil,
		"Not Found":         nil,
	} {
		if got := kindOfText(text).kind; got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct{ o, want [3]string }{
		{[3]string{}, [3]string{"https://github.com", "https://api.github.com/", "https://api.github.com/graphql"}},
		{[3]string{"https://github.com", "https://api.github.com", "https://api.github.com/graphql"}, [3]string{"https://github.com", "https://api.github.com/", "https://api.github.com/graphql"}},
		{[3]string{"https://git.example.com/"}, [3]string{"https://git.example.com", "https://git.example.com/api/v3/", "https://git.example.com/api/graphql"}},
		{[3]string{"", "https://git.example.com/api/v3"}, [3]string{"https://git.example.com", "https://git.example.com/api/v3/", "https://git.example.com/api/graphql"}},
		{[3]string{"https://acme.ghe.com"}, [3]string{"https://acme.ghe.com", "https://api.acme.ghe.com/", "https://api.acme.ghe.com/graphql"}},
		{[3]string{"", "https://api.acme.ghe.com/"}, [3]string{"https://acme.ghe.com", "https://api.acme.ghe.com/", "https://api.acme.ghe.com/graphql"}},
		{[3]string{"", "http://127.0.0.1:1", "http://127.0.0.1:2/g"}, [3]string{"http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:2/g"}},
	} {
		server, api, graphql, err := Options{ServerURL: c.o[0], APIURL: c.o[1], GraphQLURL: c.o[2], Token: "x"}.places()
		if err != nil {
			t.Errorf("%v: %v", c.o, err)
		} else if got := [3]string{server.String(), api.String(), graphql.String()}; got != c.want {
			t.Errorf("%v: got %v, want %v", c.o, got, c.want)
		}
	}
	for _, bad := range []Options{
		{APIURL: "api.github.com"}, {APIURL: "ftp://x"}, {APIURL: "https://u:s3cret@x"}, {GraphQLURL: "https://x?t=s3cret"},
		{ServerURL: "http://git.example.com", Token: "s3cret"}, {GraphQLURL: "http://elsewhere", Token: "s3cret"},
	} {
		_, err := New(bad)
		if p := (*problem.Problem)(nil); !errors.As(err, &p) || p.Hint == "" {
			t.Errorf("%+v: got %v", bad, err)
		} else if got := p.Error() + p.Hint; len(got) == 0 || containsSecret(got) {
			t.Errorf("%+v: got %q", bad, got)
		}
	}
}

func containsSecret(s string) bool {
	for i := range s {
		if len(s)-i >= 6 && s[i:i+6] == "s3cret" {
			return true
		}
	}
	return false
}

func TestRepo(t *testing.T) {
	public, _ := New(Options{})
	own, _ := New(Options{ServerURL: "https://git.example.com:8443/base"})
	for _, c := range []struct {
		client    *Client
		url, want string // "" is an error
	}{
		{public, "https://github.com/example/k8s.git", "example/k8s"},
		{public, "https://GitHub.com/example/k8s/", "example/k8s"},
		{public, "git@github.com:example/k8s.git", "example/k8s"},
		{public, "ssh://git@github.com:22/example/k8s", "example/k8s"},
		{public, "https://git.example.com/example/k8s", ""},
		{public, "https://github.com/example", ""},
		{public, "https://github.com/example/k8s/tree/main", ""},
		{public, "https://github.com/../k8s", ""},
		{public, "/srv/k8s.git", ""},
		{public, "", ""},
		{own, "https://git.example.com:8443/base/example/k8s.dot.git", "example/k8s.dot"},
		{own, "git@git.example.com:base/example/k8s", "example/k8s"},
		{own, "https://git.example.com:8443/example/k8s", ""},
		{own, "https://github.com/example/k8s", ""},
	} {
		got, err := c.client.Repo(c.url)
		if (err == nil) != (c.want != "") || err == nil && got.String() != c.want {
			t.Errorf("%q: got %v, %v", c.url, got, err)
		}
	}
	if got := public.PageURL(Repo{"example", "k8s"}, "tree", "tagbump/prod/api"); got != "https://github.com/example/k8s/tree/tagbump/prod/api" {
		t.Errorf("got %s", got)
	}
}

func TestPullRequestOf(t *testing.T) {
	for title, want := range map[string]int{
		"Fix it (#12)": 12, "Merge pull request #34 from example/x": 34, "Fix #12": 0, "(#12) fix": 0, "Merge branch 'main'": 0, "Revert \"Fix it (#12)\" (#13)": 13, "": 0,
	} {
		if got := pullRequestOf(title); got != want {
			t.Errorf("%q: got %d, want %d", title, got, want)
		}
	}
}

func TestBlobOid(t *testing.T) {
	// As git hash-object has them.
	if got := blobOid([]byte("hello\n"), 40); got != "ce013625030ba8dba906f756967f9e9ca394464a" {
		t.Errorf("got %s", got)
	}
	if got := blobOid([]byte("hello\n"), 64); got != "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4" {
		t.Errorf("got %s", got)
	}
}
