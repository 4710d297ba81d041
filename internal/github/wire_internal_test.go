package github

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
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

				maxAnswer: 1 << 10,
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

// TestAnswerWithoutEnd has a server answer with more than there is room for, packed. The limit is
// small here.
func TestAnswerWithoutEnd(t *testing.T) {
	var bomb bytes.Buffer
	packed := gzip.NewWriter(&bomb)
	packed.Write(bytes.Repeat([]byte(" "), 2<<20))
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	}))
	defer server.Close()
	client, err := New(Options{APIURL: server.URL, Sleep: func(context.Context, time.Duration) error { t.Error("it is asked again"); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	w := client.http.Transport.(*wire)
	if w.maxAnswer != limit.MaxAnswer {
		t.Errorf("the limit is %d", w.maxAnswer)
	}
	w.maxAnswer = 1 << 20
	repo := Repo{Owner: "example", Name: "k8s"}
	for _, ask := range []func() error{
		func() error { _, err := client.PullRequests(t.Context(), repo, "tagbump/prod/api"); return err },
		func() error { _, err := client.Tip(t.Context(), repo, "main", "users.yaml"); return err },
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), "limit of 1 MB") {
			t.Errorf("got %v", err)
		}
	}
}
