package httpclient

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestTokenStaysAtItsOrigin asks a server that sends on to another one, and back.
func TestTokenStaysAtItsOrigin(t *testing.T) {
	var here, there *httptest.Server
	var seen []string
	serve := func(name string, to func() string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, name+" "+r.Header.Get("Authorization"))
			if r.URL.Path != "/end" {
				http.Redirect(w, r, to(), http.StatusTemporaryRedirect)
			}
		}))
		t.Cleanup(s.Close)
		return s
	}
	here = serve("here", func() string { return there.URL + "/on" })
	there = serve("there", func() string { return here.URL + "/end" })
	client, err := New(Options{Authorization: "Bearer s3cret", Origins: []*url.URL{parse(t, here.URL)}})
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest(http.MethodGet, here.URL, nil)
	req.Header.Set("Authorization", "Bearer of somebody else")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := strings.Join(seen, ", "); got != "here Bearer s3cret, there , here Bearer s3cret" {
		t.Errorf("got %s", got)
	}
}

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(req *http.Request) (*http.Response, error) { return c(req) }

type closed struct {
	io.Reader
	done bool
}

func (c *closed) Close() error { c.done = true; return nil }

func TestNoSecretInClear(t *testing.T) {
	sent := 0
	next := carrier(func(req *http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, nil
	})
	for raw, want := range map[string]bool{
		"https://images.example/v2/": true, "http://127.0.0.1:5000/v2/": true, "http://localhost/": true, "http://[::1]/": true,
		"http://images.example/v2/": false, "http://10.0.0.1/": false, "http://images.local/": false, "http://localhost.example/": false,
	} {
		sent = 0
		body := &closed{Reader: strings.NewReader("x")}
		req, _ := http.NewRequest(http.MethodPost, raw, body)
		if _, err := WithoutSecretsInClear(next).RoundTrip(req); err != nil || sent != 1 {
			t.Errorf("%s without credentials: %v", raw, err)
		}
		req.Header.Set("Authorization", "Basic eDp5")
		_, err := WithoutSecretsInClear(next).RoundTrip(req)
		if (err == nil) != want || (sent == 2) != want || !want && (!errors.Is(err, ErrInClear) || !body.done) {
			t.Errorf("%s: sent %d, %v", raw, sent, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	rule := redirects(nil)
	via := func(raw ...string) (list []*http.Request) {
		for _, r := range raw {
			list = append(list, &http.Request{Method: "GET", URL: parse(t, r)})
		}
		return list
	}
	to := func(raw string) *http.Request { return via(raw)[0] }
	if err := rule(to("http://a/"), via("https://a/")); !errors.Is(err, ErrRedirect) {
		t.Errorf("from https to http: %v", err)
	}
	if err := rule(to("https://b/"), via("https://a/")); err != nil {
		t.Errorf("to another host: %v", err)
	}
	if err := rule(to("https://a/"), via("https://a/", "https://a/", "https://a/", "https://a/", "https://a/", "https://a/")); !errors.Is(err, ErrRedirect) {
		t.Errorf("in circles: %v", err)
	}
}

func TestHosts(t *testing.T) {
	for _, c := range []struct {
		a, b      string
		same, api bool
	}{
		{"https://api.github.com", "https://github.com", false, true},
		{"https://API.acme.ghe.com", "https://acme.ghe.com", false, true},
		{"https://git.example.com/api/v3", "https://git.example.com", true, true},
		{"https://git.example.com:443/", "https://Git.Example.com", true, true},
		{"https://git.example.com:8443/", "https://git.example.com", false, true},
		{"http://127.0.0.1:1", "http://127.0.0.1:2", false, true},
		{"https://evil.example", "https://github.com", false, false},
		{"https://api.github.com.evil.example", "https://github.com", false, false},
		{"https://xapi.github.com", "https://github.com", false, false},
		{"https://github.com", "https://api.github.com", false, false},
		{"https://127.0.0.1", "https://github.com", false, false},
	} {
		a, b := parse(t, c.a), parse(t, c.b)
		if same, api := SameHost(a, b), IsAPIOf(a, b); same != c.same || api != c.api {
			t.Errorf("%s and %s: got %v, %v", c.a, c.b, same, api)
		}
	}
}

// failing is the error of a GET.
func failing(t *testing.T, raw string) error {
	t.Helper()
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Get(raw)
	if err == nil {
		res.Body.Close()
		t.Fatalf("%s answers", raw)
	}
	return Unwrapped(err)
}

func TestWhatIsTriedAgain(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	encrypted := httptest.NewUnstartedServer(http.NotFoundHandler())
	encrypted.Config.ErrorLog = log.New(io.Discard, "", 0)
	encrypted.StartTLS()
	defer encrypted.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	noise, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer noise.Close()
	go func() {
		for {
			conn, err := noise.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "SSH-2.0-x\r\n")
			conn.Close()
		}
	}()
	for name, c := range map[string]struct {
		url                string
		unreachable, final bool
		hint               string
	}{
		"nobody listens": {gone.URL, true, false, "nothing listens there"},
		"plain http":     {strings.Replace(plain.URL, "http:", "https:", 1), true, false, "does not speak TLS"},
		"another thing":  {"https://" + noise.Addr().String(), true, false, "does not speak TLS"},
		"a certificate":  {encrypted.URL, false, true, "--ca-file"},
	} {
		err := failing(t, c.url)
		if IsUnreachable(err) != c.unreachable || IsFinal(err) != c.final || !strings.Contains(Hint(err), c.hint) {
			t.Errorf("%s: unreachable %v, final %v, hint %q: %v", name, IsUnreachable(err), IsFinal(err), Hint(err), err)
		}
	}
	if err := (&net.DNSError{IsNotFound: true}); !IsFinal(err) || IsUnreachable(err) {
		t.Error("a host that does not exist is asked again")
	}
}

func TestBackoff(t *testing.T) {
	for range 100 {
		total := time.Duration(0)
		for attempt := 1; attempt < MaxUnreachable; attempt++ {
			total += UnreachableBackoff(attempt)
		}
		if total < time.Second || total > 9*time.Second {
			t.Fatalf("an unreachable server is waited for %v", total)
		}
		for attempt := 1; attempt < 100; attempt++ {
			if wait := Backoff(attempt, time.Second, 30*time.Second); wait < time.Second/2 || wait > 30*time.Second {
				t.Fatalf("attempt %d: %v", attempt, wait)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		"-1":                            0,
		"99999999999999":                maxRetryAfter,
		"Fri, 31 Dec 9999 03:04:00 GMT": maxRetryAfter,
		"soon":                          0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
	late := http.Header{"Retry-After": {"Fri, 02 Jan 2026 03:04:35 GMT"}, "Date": {"Fri, 02 Jan 2026 03:04:30 GMT"}}
	if got := RetryAfter(late, now); got != 5*time.Second {
		t.Errorf("by the server's clock: got %v", got)
	}
}

func TestSleep(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if err := Sleep(ctx, time.Millisecond); err != nil {
		t.Error(err)
	}
	cancel()
	if err := Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
