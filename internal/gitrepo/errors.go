package gitrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"

	"k8srepo/internal/httpclient"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// What callers branch on, with errors.Is.
var (
	// ErrAccess: the server does not let these credentials in, or hides the
	// repository from them, or has no such repository; servers do not tell the
	// three apart.
	ErrAccess = errors.New("no access to the repository")
	// ErrHostKey: the SSH server is not the one that known_hosts has.
	ErrHostKey = errors.New("unknown ssh host key")
	// Those of package repo.
	ErrNoBranch        = repo.ErrNoBranch
	ErrEmptyRepository = repo.ErrEmptyRepository
	ErrMoved           = repo.ErrMoved
	ErrNoChange        = repo.ErrNoChange
	ErrShallow         = repo.ErrShallow
	// ErrIdle: the server fell silent for longer than Options.IdleTimeout.
	ErrIdle = errors.New("no answer from the server")
)

// StatusError is an answer over HTTP that is neither a success nor a redirect.
type StatusError struct {
	Code       int
	RetryAfter time.Duration // what the server asked for; 0 if it did not
	Text       string        // the first line of what it said; may be empty
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%d %s", e.Code, strings.ToLower(http.StatusText(e.Code)))
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// Retry reports whether what failed with err may succeed if it is simply done
// again, and how long the server wants to be left alone before that. It says
// no to a nil error, a context that is done, credentials, refusals, names that
// do not exist, and certificates; yes to overload, broken connections, silence
// and a moved branch. Of a push that was refused it says yes unless a rule of
// the server was named, since the reason is known only once the branch is read again: PushError.
func Retry(err error) (after time.Duration, ok bool) {
	var status *StatusError
	var push *PushError
	var dns *net.DNSError
	var cut *cutError
	var refused *refusedError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return 0, false
	case errors.As(err, &push):
		return push.retryAfter(), push.Kind != Declined
	case errors.Is(err, ErrMoved), errors.Is(err, ErrIdle):
		return 0, true
	case errors.As(err, &status):
		overloaded := status.Code == http.StatusTooManyRequests || status.Code == http.StatusRequestTimeout ||
			status.Code >= 500 && status.Code != http.StatusNotImplemented || status.RetryAfter > 0
		return status.RetryAfter, overloaded
	case errors.As(err, &dns):
		return 0, !dns.IsNotFound
	case errors.As(err, &refused):
		return 0, refused.midway
	}
	return 0, errors.As(err, &cut)
}

// fault is an error of this package; its kind is one of the sentinels above.
type fault = problem.Fault

// cutError is a conversation that broke off: in the network, or in the middle
// of an answer. Doing it again may help.
type cutError struct{ err error }

func (e *cutError) Error() string { return e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }

// refusedError is the server saying no, in Git's protocol, to a request.
type refusedError struct {
	text   string
	midway bool // it had begun to answer: something broke, and may work next time
}

func (e *refusedError) Error() string { return "the server refused: " + e.text }

// unheardError is a server that refused to list its references, and said why.
type unheardError struct{ text string }

func (e *unheardError) Error() string { return e.text }

// fault returns err as it is shown: with the repository's URL, a hint and no secret. It is
// the one place where errors of the wire are classified.
func (r *Remote) fault(ctx context.Context, err error) error {
	var status *StatusError
	var unheard *unheardError
	var already *fault
	shown := func(hint string, kind error) error {
		return &fault{Problem: problem.New(hint, "%s: %s", r.url, r.clean(err.Error())), Kind: kind, Cause: err}
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &already):
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &fault{Problem: problem.New("", "%s: no answer in time", r.url), Cause: ctx.Err()}
	case ctx.Err() != nil:
		return &fault{Problem: problem.New("", "%s: interrupted", r.url), Cause: ctx.Err()}
	case errors.As(err, &status):
		switch status.Code {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			if status.RetryAfter > 0 {
				return shown("", nil) // a rate limit: 403 at some servers
			}
			return shown(r.accessHint(status.Code), ErrAccess)
		}
		return shown("", nil)
	case errors.As(err, &unheard):
		return shown(r.unheardHint(), ErrAccess)
	case errors.Is(err, errSSHLogin):
		return shown("give a key that the server knows, with --ssh-key or an agent in SSH_AUTH_SOCK", ErrAccess)
	}
	return shown(cmp.Or(hintOf(err), httpclient.Hint(err)), nil)
}

func (r *Remote) unheardHint() string {
	switch r.scheme {
	case "ssh":
		return "check the path, and that the key may read and write it"
	case "file":
		return "check the path, and that you may read and write it"
	}
	return r.accessHint(http.StatusNotFound)
}

func (r *Remote) accessHint(code int) string {
	switch {
	case len(r.secrets) == 0:
		return "give a token in TAGBUMP_TOKEN, if the repository is not public (GITHUB_TOKEN is only sent to the host of GITHUB_SERVER_URL)"
	case code == http.StatusUnauthorized:
		return "the token is wrong or has expired"
	case code == http.StatusForbidden:
		return "the token may not do this: it needs read and write access to the repository's contents"
	}
	return "check the URL; if it is right, the token may not see the repository"
}

// clean returns text from elsewhere made fit to show: on one line, of bounded
// length, without control characters and without any secret.
func (r *Remote) clean(text string) string {
	for _, secret := range r.secrets {
		text = strings.ReplaceAll(text, secret, "[secret]")
	}
	return oneLine(text)
}

func oneLine(text string) string {
	const max = 600
	text = strings.Join(strings.FieldsFunc(text, func(c rune) bool {
		return unicode.IsControl(c) || unicode.IsSpace(c)
	}), " ")
	if len(text) > max {
		text = strings.ToValidUTF8(text[:max], "") + "…"
	}
	return text
}

// hinted is a hint that an error carries up to the fault that shows it.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

func hintOf(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}

// declinedBy are words with which servers refuse a ref for good, because of a
// rule that trying again does not change, and what to do about each. They are
// matched here and nowhere else; TestDeclined pins them.
var declinedBy = []struct {
	words, hint string
	protected   bool // it is a rule of the branch: see repo.ErrProtected
}{
	{"verified signatures", "the branch takes signed commits only: sign with --signing-key, or deploy with --via api, where GitHub signs", false},
	{"gh006", "the branch is protected: use a pull request, by deploy: {strategy: pull-request} in the environment's file", true},
	{"gh013", "a ruleset forbids the push: use a pull request, by deploy: {strategy: pull-request} in the environment's file", true},
	{"protected branch", "the branch is protected: use a pull request, by deploy: {strategy: pull-request} in the environment's file", true},
	{"not allowed to push", "let this account push to the branch, or use a pull request", true},
	{"hook declined", "a hook on the server said no; its words are above, or in the server's log", false},
	{"branch is currently checked out", "push to a bare repository", false},
	{"deletion prohibited", "the server lets nobody delete branches: receive.denyDeletes", false},
	{"deletion of the current branch prohibited", "another branch must be the repository's default first", false},
	{"funny refname", "choose another name for the branch", false},
	{"hidden ref", "choose another name for the branch", false},
}

// declined finds what the server said in declinedBy. status is its word for the
// ref, remote what it said on the side; the hint is "" if nothing is found.
func declined(status, remote string) (hint string, protected bool) {
	said := strings.ToLower(status + "\n" + remote)
	for _, d := range declinedBy {
		if strings.Contains(said, d.words) {
			return d.hint, d.protected
		}
	}
	return "", false
}
