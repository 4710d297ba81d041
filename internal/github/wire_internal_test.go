package github

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/httpclient"
	"k8srepo/internal/limit"
)

type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error { b.closed = true; return nil }

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(req *http.Request) (*http.Response, error) { return c(req) }

// TestRoundTripClosesTheBody holds wire to what http.RoundTripper asks, also where a
// request ends in an error, and has a body that can be read once sent once.
func TestRoundTripClosesTheBody(t *testing.T) {
	answer := func(status int) carrier {
		return func(req *http.Request) (*http.Response, error) {
			io.ReadAll(req.Body)
			req.Body.Close()
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
		}
	}
	for name, c := range map[string]struct {
		next  carrier
		again bool // GetBody is there
		tries int
	}{
		"an answer":        {answer(200), true, 1},
		"errors":           {answer(502), true, maxAttempts},
		"errors, one body": {answer(502), false, 1},
		"no connection":    {func(*http.Request) (*http.Response, error) { return nil, errors.New("reset") }, true, maxAttempts},
		"a rate limit":     {answer(429), true, maxLimits},
	} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			w := &wire{
				next:     carrier(func(req *http.Request) (*http.Response, error) { tries++; return c.next(req) }),
				timeout:  time.Minute,
				after:    func(d time.Duration, f func()) httpclient.Timer { return time.AfterFunc(d, f) },
				sleep:    func(context.Context, time.Duration) error { return nil },
				progress: func(string) {},
			}
			sent := &body{Reader: strings.NewReader("x")}
			var copies []*body
			req, _ := http.NewRequestWithContext(repeatable(t.Context()), http.MethodPost, "https://x/", sent)
			if c.again {
				req.GetBody = func() (io.ReadCloser, error) {
					copies = append(copies, &body{Reader: strings.NewReader("x")})
					return copies[len(copies)-1], nil
				}
			}
			res, err := w.RoundTrip(req)
			if err == nil {
				res.Body.Close()
			}
			if !sent.closed || tries != c.tries {
				t.Errorf("closed %v, %d tries", sent.closed, tries)
			}
		})
	}
}

// TestLargeFile asks for no file that is over the limit, as GitHub tells its size.
func TestLargeFile(t *testing.T) {
	c, err := New(Options{Transport: carrier(func(req *http.Request) (*http.Response, error) {
		t.Errorf("asked for %s", req.URL)
		return nil, errors.New("no")
	})})
	if err != nil {
		t.Fatal(err)
	}
	tip := &Tip{client: c, nodes: map[string]*node{".": {mode: modeDir, read: true}, "a": {size: limit.MaxFile + 1, oid: strings.Repeat("1", 40)}}}
	_, err = tip.FS(t.Context()).ReadFile("a")
	if err == nil || !strings.Contains(err.Error(), "limit of 10 MB") || !strings.Contains(err.Error(), "read a") {
		t.Errorf("got %v", err)
	}
}
