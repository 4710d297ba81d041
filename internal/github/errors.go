package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	gh "github.com/google/go-github/v57/github"

	"k8srepo/internal/httpclient"
	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// What callers branch on, with errors.Is.
var (
	// ErrUnauthorized: GitHub does not know the token.
	ErrUnauthorized = errors.New("bad credentials")
	// ErrNotFound: it does not exist, or the token may not see it; GitHub does
	// not tell the two apart.
	ErrNotFound = errors.New("not found, or no access")
	// ErrForbidden: the token, or a rule of the repository, does not allow it.
	// The problem's hint says which permission it takes.
	ErrForbidden = errors.New("not allowed")
	// ErrProtected: a rule of the branch forbids it. It is an ErrForbidden.
	ErrProtected = fmt.Errorf("%w: %w", repo.ErrProtected, ErrForbidden)
	// ErrPullRequestExists: the branch has an open pull request to that base.
	ErrPullRequestExists = errors.New("a pull request exists")
	// ErrNoDifference: the base has every commit of the branch.
	ErrNoDifference = errors.New("no commits between the branches")
	// ErrUnknownHead: GitHub does not know the branch of a pull request, or not
	// yet: right after a push that is how its replicas lag.
	ErrUnknownHead = errors.New("unknown head")
	// ErrHeadMoved: a branch is not at the commit that was expected. Start over.
	ErrHeadMoved = repo.ErrMoved
	// ErrBranchExists: a branch that was to be made is there.
	ErrBranchExists = fmt.Errorf("the branch exists: %w", repo.ErrMoved)
	// ErrAutoMerge: the pull request cannot be set to merge by itself: the
	// repository does not allow it, or there is nothing that it would wait for.
	ErrAutoMerge = errors.New("auto-merge is not possible")
	// ErrRateLimited: GitHub asks to wait for longer than the context allows, or again
	// and again.
	ErrRateLimited = errors.New("rate limited")
	// ErrInvalid: GitHub refuses what it was given, for another reason.
	ErrInvalid = errors.New("invalid")
	// ErrUnavailable: no answer, or an error of the server's, after several
	// attempts, or after one where more were not safe.
	ErrUnavailable = errors.New("GitHub is unavailable")
)

// errEmpty is an answer that does not hold what it is for.
var errEmpty = errors.New("it says nothing")

// call is what a request was for, in the words of its errors.
type call struct {
	repo  Repo   // the zero value where it is about no repository
	doing string // "opening a pull request"
	needs string // the permission it takes, as GitHub has it: "pull_requests=write"; "" for none
}

// permissionHint says which permission the token lacks; "" where the call takes none.
func (at call) permissionHint() string {
	if at.needs == "" {
		return ""
	}
	return "the token needs " + at.needs
}

// notFoundHint says why GitHub may not find what is there.
func (at call) notFoundHint() string {
	hint := "check the name; if it is right, the token may not see it"
	if at.needs != "" {
		hint += ": it needs " + at.needs
	}
	return hint
}

// fault is an error of this package; its kind is one of the sentinels above.
type fault = problem.Fault

// messageRule is what a text of GitHub's means.
type messageRule struct {
	words string // lower case
	kind  error
	hint  string
}

// messageRules are the texts that differ in their words alone. They are
// matched here and nowhere else; TestMessageRules pins them as GitHub has said them.
var messageRules = []messageRule{
	{"a pull request already exists", ErrPullRequestExists, ""},
	{"already an open pull request", ErrPullRequestExists, ""},
	{"no commits between", ErrNoDifference, ""},
	{"draft pull requests are not supported", ErrInvalid, "take draft out of the environment's policy: the repository's plan has no drafts"},
	{"reference already exists", ErrBranchExists, ""},
	{"reference does not exist", ErrNotFound, ""},
	{"not a fast forward", ErrHeadMoved, ""},
	{"head branch was modified", ErrHeadMoved, ""},
	{"expected branch to point to", ErrHeadMoved, ""},
	{"no commit found for", ErrNotFound, ""},
	{"not permitted to create or approve pull requests", ErrForbidden,
		"allow it at Settings, Actions, General of the repository and its organization, or use an App's token: pull requests made with GITHUB_TOKEN start no workflows"},
	{"changes must be made through a pull request", ErrProtected, usePullRequest},
	{"repository rule violations", ErrProtected, usePullRequest},
	{"protected branch", ErrProtected, usePullRequest},
	{"secondary rate limit", ErrRateLimited, ""},
	{"api rate limit", ErrRateLimited, ""},
	{"resource not accessible by", ErrForbidden, ""},
	{"archived so is read-only", ErrForbidden, "unarchive the repository first: nobody can write to it"},
	{"protected branch rules not configured", ErrAutoMerge, "require a check or a review on the base branch: without one there is nothing to wait for"},
	{"is in clean status", ErrAutoMerge, "it can be merged at once: require a check or a review on the base branch if it is to wait"},
	{"is in unstable status", ErrAutoMerge, "it can be merged at once: require a check or a review on the base branch if it is to wait"},
	{"auto merge is not allowed", ErrAutoMerge, "allow auto-merge at Settings, General of the repository"},
	{"auto-merge is not allowed", ErrAutoMerge, "allow auto-merge at Settings, General of the repository"},
	{"updaterefs", errNoUpdateRefs, ""},
}

// errNoUpdateRefs is a GitHub that does not have the mutation updateRefs.
var errNoUpdateRefs = errors.New("no updateRefs")

// kindOfText returns what a text of GitHub's means: the longest of messageRules in it,
// zero if none is.
func kindOfText(text string) (found messageRule) {
	text = strings.ToLower(text)
	for _, s := range messageRules {
		if strings.Contains(text, s.words) && len(s.words) > len(found.words) {
			found = s
		}
	}
	return found
}

// fault returns err as an error to show: with the repository, a hint, and no secret. It
// is the one place where errors of go-github, GraphQL and the network are classified.
func (c *Client) fault(ctx context.Context, at call, err error) error {
	var already *fault
	var rate *limitError
	var unknown *unknownError
	var over *limit.Error
	var answer *gh.ErrorResponse
	var query graphqlErrors
	var wrapped *url.Error
	subject := at.repo.String()
	if at.repo == (Repo{}) {
		subject = c.server.Host
	}
	shown := func(kind error, hint, format string, args ...any) error {
		text := subject + ": " + at.doing + ": " + fmt.Sprintf(format, args...)
		p := problem.New(c.clean(hint), "%s", c.clean(text))
		p.Refused = errors.Is(kind, ErrProtected)
		return &fault{Problem: p, Kind: kind, Cause: err}
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &already):
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = ctx.Err()
		return shown(nil, "", "no answer in time")
	case ctx.Err() != nil:
		err = ctx.Err()
		return shown(nil, "", "interrupted")
	case errors.As(err, &rate):
		return shown(ErrRateLimited, "run it again later, or with a token of a higher limit", "%v", rate)
	case errors.As(err, &over):
		return shown(ErrUnavailable, "", "%v", over)
	case errors.Is(err, httpclient.ErrRedirect):
		return shown(nil, "the repository may have a new name: use that", "%v", httpclient.Unwrapped(err))
	case httpclient.IsFinal(err), httpclient.IsUnreachable(err):
		return shown(ErrUnavailable, httpclient.Hint(err), "%v", httpclient.Unwrapped(err))
	case errors.As(err, &unknown):
		return shown(ErrUnavailable, cmp.Or(httpclient.Hint(unknown), "run it again"), "%v", unknown)
	case errors.As(err, &query):
		return queryFault(query, at, shown)
	case errors.As(err, &answer):
		hint, kind := c.kindOf(answer, at)
		return shown(kind, hint, "%d %s", answer.Response.StatusCode, describe(answer))
	case errors.As(err, &wrapped):
		return shown(ErrUnavailable, "", "%v", wrapped.Err)
	}
	return shown(ErrUnavailable, "is it a GitHub? Check GITHUB_API_URL and GITHUB_GRAPHQL_URL", "the answer cannot be read: %v", err)
}

// usePullRequest is the hint where a rule forbids to push.
const usePullRequest = "use a pull request: deploy: {strategy: pull-request} in the environment's file"

// giveToken is the hint where there is no token.
const giveToken = "give a token in TAGBUMP_TOKEN for the k8s repo, in GITHUB_TOKEN for the service's own, unless they are public"

// kindOf reads an answer of 3xx or 4xx.
func (c *Client) kindOf(answer *gh.ErrorResponse, at call) (hint string, kind error) {
	meant := kindOfText(answer.Message)
	for _, e := range answer.Errors {
		switch {
		case e.Resource == "PullRequest" && e.Field == "head" && e.Code == "invalid":
			return "is the branch pushed?", ErrUnknownHead
		case meant.kind == nil:
			meant = kindOfText(e.Message)
		}
	}
	switch answer.Response.StatusCode {
	case http.StatusUnauthorized:
		if c.token == "" {
			return giveToken, ErrUnauthorized
		}
		return "the token is wrong or has expired", ErrUnauthorized
	case http.StatusForbidden:
		if meant.kind == ErrProtected {
			return meant.hint, meant.kind
		}
		return cmp.Or(meant.hint, c.permissionHint(answer.Response.Header, at)), ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		if c.token == "" {
			return giveToken, ErrNotFound
		}
		return at.notFoundHint(), ErrNotFound
	}
	if meant.kind != nil {
		return meant.hint, meant.kind
	}
	return "", ErrInvalid
}

// permissionHint says which permission is missing: what GitHub asks for, if it
// says so, or else what the call is known to take.
func (c *Client) permissionHint(h http.Header, at call) string {
	if c.token == "" {
		return giveToken
	}
	if required, url, _ := strings.Cut(h.Get("X-GitHub-SSO"), "; url="); required == "required" {
		return "authorize the token for the organization's single sign-on: " + cmp.Or(url, "in the settings of its owner")
	}
	at.needs = cmp.Or(h.Get("X-Accepted-GitHub-Permissions"), at.needs)
	hint, scopes := at.permissionHint(), h.Get("X-Accepted-OAuth-Scopes")
	switch {
	case scopes == "":
		return hint
	case hint == "":
		return "a classic token needs the scope " + scopes
	}
	return hint + ", or, if it is a classic one, the scope " + scopes
}

// describe returns what an answer says, in a line.
func describe(answer *gh.ErrorResponse) string {
	parts := []string{strings.ToLower(http.StatusText(answer.Response.StatusCode))}
	if answer.Message != "" {
		parts = append(parts, answer.Message)
	}
	for _, e := range answer.Errors {
		switch {
		case e.Message != "":
			parts = append(parts, e.Message)
		case e.Field != "":
			parts = append(parts, e.Field+" is "+strings.ReplaceAll(e.Code, "_", " "))
		case e.Code != "":
			parts = append(parts, e.Code)
		}
	}
	return strings.Join(parts, ": ")
}

// queryFault reads the errors of a GraphQL answer.
func queryFault(errs graphqlErrors, at call, shown func(error, string, string, ...any) error) error {
	meant := kindOfText(errs.Error())
	kind, hint := meant.kind, meant.hint
	switch errs[0].Type {
	case "NOT_FOUND":
		kind, hint = ErrNotFound, cmp.Or(hint, at.notFoundHint())
	case "FORBIDDEN", "INSUFFICIENT_SCOPES":
		if kind == ErrProtected {
			break
		}
		kind = ErrForbidden
	case "BRANCH_PROTECTION_RULE_VIOLATION":
		kind, hint = ErrProtected, cmp.Or(hint, usePullRequest)
	case "STALE_DATA":
		kind = ErrHeadMoved
	}
	if kind == nil {
		kind = ErrInvalid
	}
	if kind == ErrForbidden {
		hint = cmp.Or(hint, at.permissionHint())
	}
	return shown(kind, hint, "%s", errs.Error())
}

// clean returns text from elsewhere made fit to show: on one line, of bounded
// length, without control characters and without the token.
func (c *Client) clean(text string) string {
	const maxLength = 600 // bytes
	if c.token != "" {
		text = strings.ReplaceAll(text, c.token, redacted)
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r)
	}), " ")
	if len(text) > maxLength {
		text = strings.ToValidUTF8(text[:maxLength], "") + "…"
	}
	return text
}
