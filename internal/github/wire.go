package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8srepo/internal/httpclient"
	"k8srepo/internal/limit"
)

// wire carries the requests of a Client, REST and GraphQL alike. It waits out rate limits,
// and repeats what broke, if that is safe. An answer that it returns has been read to its
// end.
type wire struct {
	next     http.RoundTripper
	secret   string // the token, which no answer may show
	graphql  string // the URL whose answers are GraphQL's
	timeout  time.Duration
	after    func(d time.Duration, f func()) httpclient.Timer
	sleep    func(ctx context.Context, d time.Duration) error
	progress func(string)

	maxAnswer int64 // the limit of an answer, in bytes
}

const (
	maxAttempts = 6                // at a request that breaks
	maxLimits   = 12               // one after the other
	firstWait   = time.Second      // after the first break; doubled from then on
	limitWait   = time.Minute      // at a rate limit that does not say how long
	clockSlack  = 1 * time.Second  // X-RateLimit-Reset is in whole seconds
	maxWait     = 30 * time.Second // between two attempts
	redacted    = "[secret]"       // stands for the token
)

// limitError is a rate limit that lasts longer than the context, or does not end.
type limitError struct{ wait time.Duration }

func (e *limitError) Error() string {
	return fmt.Sprintf("a rate limit, for another %v: longer than there is time for", e.wait.Round(time.Second))
}

// unknownError is a request that may or may not have been done: it broke off, or ended
// in an error of the server's.
type unknownError struct {
	err  error
	wait time.Duration // that the server asked for; 0 if it did not
}

func (e *unknownError) Error() string { return e.err.Error() }
func (e *unknownError) Unwrap() error { return e.err }

// outcomeUnknown reports whether what failed with err may have been done anyway.
func outcomeUnknown(err error) bool {
	var unknown *unknownError
	return errors.As(err, &unknown)
}

// pause returns how long to leave GitHub alone after an attempt whose outcome is unknown.
func pause(err error, attempt int) time.Duration {
	var unknown *unknownError
	if errors.As(err, &unknown) {
		return max(unknown.wait, jitter(attempt))
	}
	return jitter(attempt)
}

type repeatKey struct{}

// repeatable marks the requests of a context as ones that may be done twice with
// the effect of once. GET, PUT and DELETE always are.
func repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatKey{}, true)
}

func isRepeatable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Context().Value(repeatKey{}) != nil
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close() // each attempt has a copy of it
	}
	for attempt := 1; ; attempt++ {
		res, body, err := w.once(req)
		if req.Context().Err() != nil {
			return nil, req.Context().Err()
		}
		switch {
		case err != nil:
			err = w.waitToRetry(req, attempt, err, 0)
		case w.isLimit(req, res, body):
			err = w.waitForLimit(req, attempt, res.Header)
		case res.StatusCode >= 500 && res.StatusCode != http.StatusNotImplemented:
			err = w.waitToRetry(req, attempt, &statusError{res.StatusCode, messageOf(body)}, httpclient.RetryAfter(res.Header, time.Now()))
		default:
			// go-github keeps a book of limits by itself and by another clock.
			for name := range res.Header {
				if strings.HasPrefix(name, "X-Ratelimit-") {
					res.Header.Del(name)
				}
			}
			return res, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// waitForLimit waits until a rate limit is over. The error says why it does not.
func (w *wire) waitForLimit(req *http.Request, attempt int, h http.Header) error {
	wait := limitFor(h, attempt)
	if attempt >= maxLimits || !fits(req.Context(), wait) {
		return &limitError{wait}
	}
	w.progress(fmt.Sprintf("GitHub asks to wait %v", wait.Round(time.Second)))
	if err := w.sleep(req.Context(), wait); err != nil {
		return &limitError{wait}
	}
	return nil
}

// waitToRetry waits before a request that broke for a reason is made again, at least for as
// long as the server asked. The error says why it is not.
func (w *wire) waitToRetry(req *http.Request, attempt int, reason error, asked time.Duration) error {
	var over *limit.Error
	if httpclient.IsFinal(reason) || errors.As(reason, &over) {
		return reason
	}
	last, wait := maxAttempts, max(asked, jitter(attempt))
	if httpclient.IsUnreachable(reason) {
		last, wait = httpclient.MaxUnreachable, httpclient.UnreachableBackoff(attempt)
	}
	again := isRepeatable(req) || httpclient.IsUnsent(reason) || httpclient.IsUnreachable(reason)
	if req.Body != nil && req.GetBody == nil {
		again = false // it has been read
	}
	if !again || attempt >= last || !fits(req.Context(), wait) {
		if httpclient.IsUnreachable(reason) {
			return reason // nothing was sent
		}
		return &unknownError{reason, asked}
	}
	w.progress(fmt.Sprintf("GitHub: %v; again in %v", reason, wait.Round(time.Millisecond)))
	if err := w.sleep(req.Context(), wait); err != nil {
		return &unknownError{reason, asked}
	}
	return nil
}

// once makes a request once, and reads the answer.
func (w *wire) once(req *http.Request) (*http.Response, []byte, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	defer w.after(w.timeout, func() { cancel(fmt.Errorf("no answer in %v", w.timeout)) }).Stop()
	out := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, nil, err
		}
		out.Body = body
	}
	res, err := w.next.RoundTrip(out)
	if err != nil {
		return nil, nil, blame(ctx, err)
	}
	defer res.Body.Close()
	body, err := limit.ReadAll(res.Body, w.maxAnswer, "the answer")
	if err != nil {
		return nil, nil, blame(ctx, err)
	}
	if w.secret != "" && bytes.Contains(body, []byte(w.secret)) {
		// Whoever says the token back to us does not get it into a message.
		body = bytes.ReplaceAll(body, []byte(w.secret), []byte(redacted))
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.ContentLength = int64(len(body))
	return res, body, nil
}

// blame says what ended a context, where that is what an error comes from.
func blame(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// statusError is an answer of 5xx.
type statusError struct {
	code    int
	message string
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("%d %s", e.code, strings.ToLower(http.StatusText(e.code)))
	if e.message != "" {
		text += ": " + e.message
	}
	return text
}

// messageOf returns the message of an answer in JSON, "" if there is none.
func messageOf(body []byte) string {
	var answer struct{ Message string }
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Message
}

// isLimit reports whether an answer is a rate limit's, the primary one or one of
// the secondary ones. Nothing has been done then, or the first of two mutations only.
// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
func (w *wire) isLimit(req *http.Request, res *http.Response, body []byte) bool {
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		return true
	case res.StatusCode == http.StatusForbidden:
		var answer struct {
			Message string
			URL     string `json:"documentation_url"`
		}
		_ = json.Unmarshal(body, &answer)
		return res.Header.Get("Retry-After") != "" || res.Header.Get("X-RateLimit-Remaining") == "0" ||
			strings.Contains(answer.URL, "rate-limit") || kindOfText(answer.Message).kind == ErrRateLimited
	case res.StatusCode == http.StatusOK && req.URL.String() == w.graphql && bytes.Contains(body, []byte(`"errors"`)):
		var answer graphqlAnswer
		return json.Unmarshal(body, &answer) == nil && slices.ContainsFunc(answer.Errors, func(e graphqlError) bool {
			return e.Type == "RATE_LIMITED" || e.Type == "RATE_LIMIT" || kindOfText(e.Message).kind == ErrRateLimited
		})
	}
	return false
}

// limitFor returns how long a rate limit lasts. Resets are by the server's clock, so
// that ours may be wrong.
func limitFor(h http.Header, attempt int) time.Duration {
	if wait := httpclient.RetryAfter(h, time.Now()); wait > 0 {
		return wait
	}
	if reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && h.Get("X-RateLimit-Remaining") == "0" {
		return max(0, time.Unix(reset, 0).Sub(httpclient.ServerTime(h, time.Now()))) + clockSlack
	}
	return limitWait << min(attempt-1, 6)
}

// jitter returns a time that doubles with each attempt, the latter half of it random.
func jitter(attempt int) time.Duration {
	return httpclient.Backoff(attempt, firstWait, maxWait)
}

// fits reports whether a wait leaves any of the context's time.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

// mayRedirect follows a renamed repository. What writes is followed only where it stays
// what it is: net/http makes a GET of it for 301 and 302.
func mayRedirect(req, from *http.Request) error {
	switch {
	case from.Method != req.Method:
		return fmt.Errorf("%w, to %s", httpclient.ErrRedirect, req.URL.Path)
	case req.Method != http.MethodGet && httpclient.Origin(req.URL) != httpclient.Origin(from.URL):
		return fmt.Errorf("%w to another host", httpclient.ErrRedirect)
	}
	return nil
}
