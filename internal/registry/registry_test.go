package registry

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

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
	c := Checker{Wait: 10 * time.Second, Pause: 10 * time.Millisecond, Tell: func(string) { looked <- true }}
	go func() {
		<-looked
		push(t, host+"/api:1")
	}()
	if err := c.Check(context.Background(), host+"/api:1"); err != nil {
		t.Error(err)
	}
	c.Wait = 30 * time.Millisecond
	if err := c.Check(context.Background(), host+"/api:2"); problem.ExitStatus(err) != problem.ExitRefused {
		t.Errorf("it never comes, and the answer is %v", err)
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
