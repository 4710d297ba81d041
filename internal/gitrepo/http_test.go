package gitrepo_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

const token = "s3cret-t0ken"

// mustNotTell fails if an error shows the token, in the clear or encoded.
func mustNotTell(t *testing.T, err error) {
	t.Helper()
	for _, p := range problem.All(err) {
		text := p.Error() + p.Hint
		if strings.Contains(text, token) || strings.Contains(text, "czNjcmV0") || strings.Contains(text, "cy3JldA") {
			t.Errorf("the token is shown: %s", text)
		}
	}
	if err != nil && strings.Contains(err.Error(), token) {
		t.Errorf("the token is shown: %s", err)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server gittest.Options
		token  string
		push   bool // whether the tip can be read, and the push is what fails
		hint   string
	}{
		"none":      {gittest.Options{Token: token, DirectReads: true}, "", false, "give a token"},
		"wrong":     {gittest.Options{Token: "other"}, token, false, "the token is wrong or has expired"},
		"read-only": {gittest.Options{Token: token, ReadOnly: true, DirectReads: true}, token, true, "the token may not do this"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := gittest.NewServer(t, c.server)
			repo := server.NewRepo("k8s", sample())
			r := open(t, server.URL("k8s"), gitrepo.Options{Token: c.token})
			_, err := r.Tip(t.Context(), "main")
			if c.push {
				err = bump(t.Context(), r, "main", deployment, "x")
			}
			if !errors.Is(err, gitrepo.ErrAccess) {
				t.Fatalf("got %v", err)
			}
			if _, again := gitrepo.Retry(err); again {
				t.Error("is to be retried")
			}
			if hint := problem.All(err)[0].Hint; !strings.HasPrefix(hint, c.hint) {
				t.Errorf("hint %q", hint)
			}
			mustNotTell(t, err)
			if len(repo.Log("main")) != 1 {
				t.Error("something was pushed")
			}
		})
	}
	t.Run("right", func(t *testing.T) {
		server := gittest.NewServer(t, gittest.Options{Token: token})
		server.NewRepo("k8s", sample())
		r := open(t, server.URL("k8s"), gitrepo.Options{Token: token})
		if err := bump(t.Context(), r, "main", deployment, "x"); err != nil {
			t.Error(err)
		}
	})
}

// TestServerThatEchoesTheToken has a server put the token into its answer.
func TestServerThatEchoesTheToken(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	server.NewRepo("k8s", sample())
	server.Fail(gittest.ReadRefs, gittest.Fault{Status: 400, Body: "bad header: Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0LXQwa2Vu (" + token + ")\x1b[31m"})
	_, err := open(t, server.URL("k8s"), gitrepo.Options{Token: token}).Tip(t.Context(), "main")
	mustNotTell(t, err)
	if err == nil || !strings.Contains(err.Error(), "[secret]") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
}

// TestRedirect follows a renamed repository, and leaves the token behind when
// the redirect leaves the host.
func TestRedirect(t *testing.T) {
	t.Parallel()
	t.Run("on the host", func(t *testing.T) {
		server := gittest.NewServer(t, gittest.Options{Token: token, DirectReads: true})
		repo := server.NewRepo("new", sample())
		mux := http.NewServeMux()
		mux.Handle("/new.git/", server.Config.Handler)
		mux.HandleFunc("/old.git/", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(r.URL.RequestURI(), "/old.git", "/new.git", 1), http.StatusMovedPermanently)
		})
		front := httptest.NewServer(mux)
		defer front.Close()
		r := open(t, front.URL+"/old.git", gitrepo.Options{Token: token})
		if err := bump(t.Context(), r, "main", deployment, "x"); err != nil {
			t.Fatal(err)
		}
		if repo.Read("main", deployment) != "x" {
			t.Error("nothing was pushed")
		}
	})
	t.Run("to another host", func(t *testing.T) {
		there := gittest.NewServer(t, gittest.Options{DirectReads: true})
		there.NewRepo("k8s", sample())
		here := gittest.NewServer(t, gittest.Options{Token: token, DirectReads: true})
		here.Fail(gittest.ReadRefs, gittest.Fault{Redirect: there.Server.URL})
		tipOf(t, open(t, here.URL("k8s"), gitrepo.Options{Token: token}), "main")
		if len(here.Log()) != 1 || here.Log()[0].Authorization == "" {
			t.Errorf("here: %+v", here.Log())
		}
		for _, req := range there.Log() {
			if req.Authorization != "" {
				t.Errorf("the token was sent to another host: %+v", req)
			}
		}
		if there.Count() != 2 {
			t.Errorf("there: %+v", there.Log())
		}
	})
	t.Run("of a push", func(t *testing.T) {
		there := gittest.NewServer(t, gittest.Options{DirectReads: true})
		there.NewRepo("k8s", sample())
		here := gittest.NewServer(t, gittest.Options{DirectReads: true})
		here.NewRepo("k8s", sample())
		here.Fail(gittest.Push, gittest.Fault{Redirect: there.Server.URL})
		err := bump(t.Context(), open(t, here.URL("k8s"), gitrepo.Options{Token: token}), "main", deployment, "x")
		if err == nil || there.Count() != 0 {
			t.Errorf("got %v, %d requests there", err, there.Count())
		}
	})
	t.Run("from https to http", func(t *testing.T) {
		there := gittest.NewServer(t, gittest.Options{DirectReads: true})
		here := gittest.NewServer(t, gittest.Options{TLS: true})
		here.Fail(gittest.ReadRefs, gittest.Fault{Redirect: there.Server.URL})
		r := open(t, here.URL("k8s"), gitrepo.Options{Token: token, Transport: here.Client().Transport})
		_, err := r.Tip(t.Context(), "main")
		if err == nil || !strings.Contains(err.Error(), "from https to http") || there.Count() != 0 {
			t.Errorf("got %v", err)
		}
		if _, again := gitrepo.Retry(err); again {
			t.Error("is to be retried")
		}
	})
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{TLS: true, Token: token})
	server.NewRepo("k8s", sample())
	_, err := open(t, server.URL("k8s"), gitrepo.Options{Token: token}).Tip(t.Context(), "main")
	if err == nil || !strings.Contains(problem.All(err)[0].Hint, "--ca-file") {
		t.Errorf("got %v", err)
	}
	if _, again := gitrepo.Retry(err); again {
		t.Error("a bad certificate is to be retried")
	}
	if len(server.Log()) != 0 {
		t.Error("a request was made without trust")
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600)
	tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{Token: token, CAFile: file}), "main")

	os.WriteFile(file, []byte("nothing"), 0o600)
	for _, bad := range []string{file, file + ".none"} {
		if _, err := gitrepo.Open(server.URL("k8s"), gitrepo.Options{CAFile: bad}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// TestProxy sends http to a host that only the proxy knows.
func TestProxy(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	server.NewRepo("k8s", sample())
	at, _ := url.Parse(server.Server.URL)
	transport := &http.Transport{Proxy: http.ProxyURL(at)}
	defer transport.CloseIdleConnections()
	r := open(t, "http://git.invalid/k8s.git", gitrepo.Options{Transport: transport})
	tipOf(t, r, "main")
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault gittest.Fault
		retry bool
		after time.Duration
		kind  error
	}{
		"500":                  {gittest.Fault{Status: 500}, true, 0, nil},
		"502":                  {gittest.Fault{Status: 502}, true, 0, nil},
		"503 with Retry-After": {gittest.Fault{Status: 503, RetryAfter: "7"}, true, 7 * time.Second, nil},
		"429 with Retry-After": {gittest.Fault{Status: 429, RetryAfter: "30"}, true, 30 * time.Second, nil},
		"429":                  {gittest.Fault{Status: 429}, true, 0, nil},
		"403 for rate":         {gittest.Fault{Status: 403, RetryAfter: "60"}, true, time.Minute, nil},
		"403":                  {gittest.Fault{Status: 403}, false, 0, gitrepo.ErrAccess},
		"404":                  {gittest.Fault{Status: 404}, false, 0, gitrepo.ErrAccess},
		"418":                  {gittest.Fault{Status: 418}, false, 0, nil},
		"connection cut":       {gittest.Fault{Cut: true}, true, 0, nil},
		"a few bytes":          {gittest.Fault{Truncate: 30}, true, 0, nil},
		"no Git server":        {gittest.Fault{Status: 200, Body: "<html>"}, false, 0, nil},
	} {
		for _, kind := range []gittest.Kind{gittest.ReadRefs, gittest.Fetch, gittest.PushRefs} {
			if kind == gittest.Fetch && c.fault.Status != 0 && c.fault.RetryAfter == "" {
				continue // the same code answers
			}
			t.Run(name+" to "+string(kind), func(t *testing.T) {
				t.Parallel()
				server := gittest.NewServer(t, gittest.Options{DirectReads: true})
				repo := server.NewRepo("k8s", sample())
				// Twice, as net/http itself asks again when a connection that it
				// had kept turns out to be closed.
				server.Fail(kind, c.fault, c.fault)
				r := open(t, server.URL("k8s"), gitrepo.Options{Token: token})
				err := bump(t.Context(), r, "main", deployment, "x")
				if err == nil || len(repo.Log("main")) != 1 {
					t.Fatalf("got %v", err)
				}
				after, retry := gitrepo.Retry(err)
				if retry != c.retry || after != c.after {
					t.Errorf("retry %v after %v: %v", retry, after, err)
				}
				if c.kind != nil && !errors.Is(err, c.kind) {
					t.Errorf("got %v", err)
				}
				if status := (*gitrepo.StatusError)(nil); c.fault.Status > 200 && (!errors.As(err, &status) || status.Code != c.fault.Status) {
					t.Errorf("got %#v", err)
				}
				var push *gitrepo.PushError
				if errors.As(err, &push) {
					t.Errorf("a push error before the push: %v", err)
				}
				mustNotTell(t, err)
			})
		}
	}
}

// TestHungServer must end at the deadline, when it is interrupted, and when the
// server has been silent for too long, whatever the server hangs in.
func TestHungServer(t *testing.T) {
	t.Parallel()
	for _, kind := range []gittest.Kind{gittest.ReadRefs, gittest.Fetch, gittest.PushRefs, gittest.Push} {
		for name, fault := range map[string]gittest.Fault{"at once": {Hang: true}, "in the middle": {HangAfter: 20}} {
			for _, how := range []string{"idle", "deadline", "interrupt"} {
				if fault.HangAfter > 0 && how != "idle" {
					continue
				}
				t.Run(string(kind)+" "+name+" "+how, func(t *testing.T) {
					t.Parallel()
					server := gittest.NewServer(t, gittest.Options{DirectReads: true})
					server.NewRepo("k8s", sample())
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					var clock gittest.Clock
					deadline := gittest.NewExpiring(ctx)
					o := gitrepo.Options{IdleTimeout: time.Minute, AfterFunc: clock.AfterFunc}
					want := map[string]error{"idle": gitrepo.ErrIdle, "deadline": context.DeadlineExceeded, "interrupt": context.Canceled}[how]
					end := map[string]func(){
						"idle":      func() { clock.Pass(59 * time.Second); clock.Pass(time.Minute) },
						"deadline":  deadline.Expire,
						"interrupt": cancel,
					}[how]
					hung := make(chan time.Time, 1)
					fault := fault // each test has its own end
					fault.Hung = func() {
						hung <- time.Now()
						end()
					}
					server.Fail(kind, fault)
					if how == "deadline" {
						ctx = deadline
					}
					err := bump(ctx, open(t, server.URL("k8s"), o), "main", deployment, "x")
					if !errors.Is(err, want) {
						t.Errorf("got %v, want %v", err, want)
					}
					if _, again := gitrepo.Retry(err); again != (how == "idle") {
						t.Errorf("retry is %v after %v", again, err)
					}
					if took := time.Since(<-hung); took > 5*time.Second {
						t.Errorf("took %s", took)
					}
				})
			}
		}
	}
}

// TestRefusalInTheProtocol has a server refuse with status 200, as Git's
// protocol lets it.
func TestRefusalInTheProtocol(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		io.WriteString(w, "001e# service=git-upload-pack\n0000001eERR repository is disabled\n")
	}))
	defer server.Close()
	_, err := open(t, server.URL+"/k8s.git", gitrepo.Options{}).Tip(t.Context(), "main")
	if _, again := gitrepo.Retry(err); !errors.Is(err, gitrepo.ErrAccess) || again || !strings.Contains(err.Error(), "repository is disabled") {
		t.Errorf("got %v", err)
	}
	if hint := problem.All(err)[0].Hint; !strings.HasPrefix(hint, "give a token") {
		t.Errorf("hint %q", hint)
	}
}

// trickle is a network that is slow and never silent, by a clock.
type trickle struct {
	io.ReadCloser
	clock *gittest.Clock
}

func (s trickle) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		res.Body = trickle{res.Body, s.clock}
	}
	return res, err
}

func (s trickle) Read(p []byte) (int, error) {
	s.clock.Pass(10 * time.Second)
	return s.ReadCloser.Read(p[:min(len(p), 60)])
}

// TestSlowServer takes longer than the idle timeout over each answer.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	server.NewRepo("k8s", sample())
	const idle = 30 * time.Second
	var clock gittest.Clock
	tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{IdleTimeout: idle, AfterFunc: clock.AfterFunc, Transport: trickle{clock: &clock}}), "main")
	if took := clock.Now(); took < 2*idle {
		t.Errorf("took only %s", took)
	}
}

func TestNoSuchHost(t *testing.T) {
	t.Parallel()
	_, err := open(t, "https://git.invalid/a/b.git", gitrepo.Options{Token: token}).Tip(t.Context(), "main")
	if err == nil {
		t.Fatal("there is such a host")
	}
	mustNotTell(t, err)
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	_, err := open(t, server.URL+"/k8s.git", gitrepo.Options{}).Tip(t.Context(), "main")
	if _, again := gitrepo.Retry(err); !again {
		t.Errorf("is not to be retried: %v", err)
	}
}
