package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wire carries the requests of a Client, REST and GraphQL alike. It adds the
// token where it belongs, waits out rate limits, and repeats what broke, if that
// is safe. An answer that it returns has been read to its end.
type wire struct {
	next    http.RoundTripper
	token   string
	origins []string // where the token may go
	graphql string   // the URL whose answers are GraphQL's
	timeout time.Duration
	sleep   func(ctx context.Context, d time.Duration) error
	tell    func(string)
}

const (
	mostAttempts = 6                // at a request that breaks
	mostLimits   = 12               // one after the other
	firstWait    = time.Second      // after the first break; doubled from then on
	limitWait    = time.Minute      // at a rate limit that does not say how long
	mostBytes    = 64 << 20         // of an answer
	clockSlack   = 1 * time.Second  // X-RateLimit-Reset is in whole seconds
	longestBreak = 30 * time.Second // between two attempts
	hidden       = "[secret]"       // stands for the token
)

// limitError is a rate limit that lasts longer than the context, or does not end.
type limitError struct{ wait time.Duration }

func (e *limitError) Error() string {
	return fmt.Sprintf("a rate limit, for another %v: longer than there is time for", e.wait.Round(time.Second))
}

// lostError is a request that may or may not have been done: it broke off, or
// ended in an error of the server's.
type lostError struct {
	err  error
	wait time.Duration // that the server asked for; 0 if it did not
}

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// isLost tells whether what failed with err may have been done all the same.
func isLost(err error) bool {
	var lost *lostError
	return errors.As(err, &lost)
}

// pause is how long to leave GitHub alone after an attempt that was lost.
func pause(err error, attempt int) time.Duration {
	var lost *lostError
	if errors.As(err, &lost) {
		return max(lost.wait, jitter(attempt))
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
	for attempt := 1; ; attempt++ {
		res, body, err := w.once(req)
		if req.Context().Err() != nil {
			return nil, req.Context().Err()
		}
		var wait, asked time.Duration
		var why error
		switch {
		case err != nil:
			why = err
		case w.isLimit(req, res, body):
			wait = limitFor(res.Header, attempt)
			limit := &limitError{wait}
			if attempt >= mostLimits || !fits(req.Context(), wait) {
				return nil, limit
			}
			w.tell(fmt.Sprintf("GitHub asks to wait %v", wait.Round(time.Second)))
			if err := w.sleep(req.Context(), wait); err != nil {
				return nil, limit
			}
			continue
		case res.StatusCode >= 500 && res.StatusCode != http.StatusNotImplemented:
			why = &statusError{res.StatusCode, said(body)}
			asked = retryAfter(res.Header)
		default:
			// go-github keeps a book of limits by itself and by another clock.
			for name := range res.Header {
				if strings.HasPrefix(name, "X-Ratelimit-") {
					res.Header.Del(name)
				}
			}
			return res, nil
		}
		wait = max(asked, jitter(attempt))
		var unsent *net.OpError
		again := isRepeatable(req) || errors.As(why, &unsent) && unsent.Op == "dial"
		if isFinal(why) {
			return nil, why
		}
		if !again || attempt >= mostAttempts || !fits(req.Context(), wait) {
			return nil, &lostError{why, asked}
		}
		w.tell(fmt.Sprintf("GitHub: %v; again in %v", why, wait.Round(time.Millisecond)))
		if err := w.sleep(req.Context(), wait); err != nil {
			return nil, &lostError{why, asked}
		}
	}
}

// once makes a request once, and reads the answer.
func (w *wire) once(req *http.Request) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), w.timeout, fmt.Errorf("no answer in %v", w.timeout))
	defer cancel()
	out := req.Clone(ctx)
	out.Header.Del("Authorization")
	if w.token != "" && slices.Contains(w.origins, originOf(req.URL)) {
		out.Header.Set("Authorization", "Bearer "+w.token)
	}
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
	body, err := io.ReadAll(io.LimitReader(res.Body, mostBytes))
	if err != nil {
		return nil, nil, blame(ctx, err)
	}
	if w.token != "" {
		// Whoever says the token back to us does not get it into a message.
		body = bytes.ReplaceAll(body, []byte(w.token), []byte(hidden))
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
	code int
	said string
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("%d %s", e.code, strings.ToLower(http.StatusText(e.code)))
	if e.said != "" {
		text += ": " + e.said
	}
	return text
}

// said is the message of an answer in JSON, "" if there is none.
func said(body []byte) string {
	var answer struct{ Message string }
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Message
}

// isLimit tells whether an answer is a rate limit's, the primary one or one of
// the secondary ones. Nothing has been done then.
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

// limitFor is how long a rate limit lasts. Resets are by the server's clock, so
// that ours may be wrong.
func limitFor(h http.Header, attempt int) time.Duration {
	if wait := retryAfter(h); wait > 0 {
		return wait
	}
	if reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && h.Get("X-RateLimit-Remaining") == "0" {
		return max(0, time.Unix(reset, 0).Sub(serverTime(h))) + clockSlack
	}
	return limitWait << min(attempt-1, 6)
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds, or a date.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(serverTime(h)))
	}
	return 0
}

func serverTime(h http.Header) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return time.Now()
}

// jitter is a time that doubles with each attempt, the latter half of it random.
func jitter(attempt int) time.Duration {
	longest := min(longestBreak, firstWait<<(attempt-1))
	return longest/2 + rand.N(longest/2)
}

// fits tells whether a wait leaves any of the context's time.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// originOf is scheme, host and port, each in one spelling.
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

var errRedirect = errors.New("redirected")

// checkRedirect follows a renamed repository. What writes is followed only
// where it stays what it is: net/http makes a GET of it for 301 and 302.
func checkRedirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1]
	switch {
	case from.Method != req.Method:
		return fmt.Errorf("%w, to %s", errRedirect, req.URL.Path)
	case req.Method != http.MethodGet && originOf(req.URL) != originOf(from.URL):
		return fmt.Errorf("%w to another host", errRedirect)
	case from.URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("%w from https to %s", errRedirect, req.URL.Scheme)
	case len(via) > 5:
		return fmt.Errorf("%w in circles", errRedirect)
	}
	return nil
}
