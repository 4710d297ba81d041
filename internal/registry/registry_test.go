package registry

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"k8srepo/internal/httpclient"
	"k8srepo/internal/problem"
)

// serve starts a registry, and returns its host.
func serve(t *testing.T, before http.HandlerFunc) string {
	t.Helper()
	registry := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before != nil {
			if before(w, r); w.Header().Get("X-Done") != "" {
				return
			}
		}
		registry.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func push(t *testing.T, image string) {
	t.Helper()
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, empty.Image); err != nil {
		t.Fatal(err)
	}
}

func TestCheck(t *testing.T) {
	host := serve(t, nil)
	push(t, host+"/team/api:9f2c1ab")
	c := Checker{}
	if err := c.Check(context.Background(), host+"/team/api:9f2c1ab"); err != nil {
		t.Errorf("an image that is there: %v", err)
	}
	for _, image := range []string{host + "/team/api:other", host + "/nobody:9f2c1ab"} {
		if err := c.Check(context.Background(), image); problem.ExitStatus(err) != problem.ExitRefused {
			t.Errorf("%s is not there, and the answer is %v", image, err)
		}
	}
}

func TestCheckWaitsForTheImage(t *testing.T) {
	host := serve(t, nil)
	looked := make(chan bool, 100)
	c := Checker{Wait: time.Hour, Progress: func(string) { looked <- true }, Sleep: func(ctx context.Context, _ time.Duration) error { return httpclient.Sleep(ctx, 10*time.Millisecond) }}
	go func() {
		<-looked
		push(t, host+"/api:1")
	}()
	if err := c.Check(context.Background(), host+"/api:1"); err != nil {
		t.Error(err)
	}
	c.Wait, c.Sleep = 5*time.Second, func(context.Context, time.Duration) error { return nil }
	if err := c.Check(context.Background(), host+"/api:2"); problem.ExitStatus(err) != problem.ExitRefused {
		t.Errorf("it never comes, and the answer is %v", err)
	}
}

// TestCheckWaitsLessThanAPause looks once more at the end of a time that is shorter than a pause.
func TestCheckWaitsLessThanAPause(t *testing.T) {
	host := serve(t, nil)
	var waited []time.Duration
	c := Checker{Wait: 5 * time.Second, Sleep: func(_ context.Context, d time.Duration) error {
		if waited = append(waited, d); len(waited) == 3 {
			push(t, host+"/api:1")
		}
		return nil
	}}
	if err := c.Check(t.Context(), host+"/api:1"); err != nil {
		t.Error(err)
	}
	if want := []time.Duration{2 * time.Second, 2 * time.Second, time.Second}; !slices.Equal(waited, want) {
		t.Errorf("waited %v, want %v", waited, want)
	}
}

// TestCheckThatIsStopped does not know whether the image would have come.
func TestCheckThatIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan struct{})
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/manifests/slow") {
			cancel()
			<-answered
		}
	})
	defer close(answered)
	c := Checker{Wait: time.Hour}
	if err := c.Check(ctx, host+"/api:slow"); !errors.Is(err, context.Canceled) {
		t.Errorf("while it asks: got %v", err)
	}
	c.Sleep = func(context.Context, time.Duration) error { return context.DeadlineExceeded }
	if err := c.Check(t.Context(), host+"/api:1"); !errors.Is(err, context.DeadlineExceeded) || problem.ExitStatus(err) != problem.ExitTrouble {
		t.Errorf("while it waits: got %v", err)
	}
}

func TestCheckTellsWhatStandsInTheWay(t *testing.T) {
	for status, want := range map[int]string{http.StatusForbidden: "log in", http.StatusBadRequest: "later"} {
		host := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/manifests/") {
				w.Header().Set("X-Done", "yes")
				w.WriteHeader(status)
			}
		})
		err := (&Checker{}).Check(context.Background(), host+"/api:1")
		all := problem.All(err)
		if problem.ExitStatus(err) != problem.ExitTrouble || !strings.Contains(all[0].Hint, want) {
			t.Errorf("%d: got %v", status, err)
		}
	}
	if err := (&Checker{}).Check(context.Background(), "127.0.0.1:1/api:1"); problem.ExitStatus(err) != problem.ExitTrouble {
		t.Errorf("nobody there: got %v", err)
	}
}

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(req *http.Request) (*http.Response, error) { return c(req) }

// TestNoCredentialsInClear has docker login's credentials for a registry on plain HTTP, and
// for one that sends people to a plain HTTP page to log in.
func TestNoCredentialsInClear(t *testing.T) {
	config := t.TempDir()
	t.Setenv("DOCKER_CONFIG", config)
	const auth = `{"auth":"dXNlcjpzM2NyZXQ="}` // user:s3cret
	if err := os.WriteFile(filepath.Join(config, "config.json"), []byte(`{"auths":{"10.0.0.1:5000":`+auth+`,"registry.example":`+auth+`}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for image, challenge := range map[string]string{
		"10.0.0.1:5000/api:1":    `Basic realm="x"`,
		"registry.example/api:1": `Bearer realm="http://login.example/token",service="x"`,
	} {
		asked := 0
		c := Checker{Transport: carrier(func(req *http.Request) (*http.Response, error) {
			asked++
			if req.URL.Scheme == "http" && req.Header.Get("Authorization") != "" {
				t.Errorf("credentials went to %s", req.URL)
			}
			if strings.HasPrefix(image, "10.0.0.1:5000") && req.URL.Scheme == "https" {
				return nil, errors.New("no TLS here")
			}
			return &http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": {challenge}}, Body: http.NoBody, Request: req}, nil
		})}
		err := c.Check(t.Context(), image)
		if err == nil || asked == 0 || !regexp.MustCompile(`not sent over plain http|"http" not allowed`).MatchString(err.Error()) || problem.ExitStatus(err) != problem.ExitTrouble {
			t.Errorf("%s: asked %d times, got %v", image, asked, err)
		}
	}
}

func TestDigest(t *testing.T) {
	host := serve(t, nil)
	push(t, host+"/team/api:9f2c1ab")
	want, err := empty.Image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	c := Checker{}
	if got, err := c.Digest(context.Background(), host+"/team/api:9f2c1ab"); err != nil || got != want.String() {
		t.Errorf("got %q, %v; want %s", got, err, want)
	}
	if _, err := c.Digest(context.Background(), host+"/team/api:other"); err == nil {
		t.Error("a tag that is not there has a digest")
	}
}
