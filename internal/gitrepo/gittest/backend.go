package gittest

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Backend serves the bare repositories NAME.git below a folder by smart HTTP. It starts the
// commands that git http-backend would start, which is a process less for each request. Where
// there is more to decide than what to start, it starts git http-backend.
type Backend struct {
	Root string

	// Objects keeps the objects of one repository, by hash. Requests that read are then answered
	// without git, as long as the objects are loose: for a server that costs less than its
	// clients. Git takes the pushes. nil has git answer everything.
	Objects *sync.Map
}

func (b Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, kind := classify(r); b.Objects != nil && kind != Push {
		body, err := io.ReadAll(r.Body)
		repo := &Repo{t: logged{}, Dir: filepath.Join(b.Root, filepath.FromSlash(name)+".git"), cache: b.Objects}
		if err == nil && repo.serveItself(w, r, kind, body) {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if !b.serveDirectly(w, r) {
		b.cgi().ServeHTTP(w, r)
	}
}

// serveDirectly reports false, and has done nothing, where git http-backend has to answer.
func (b Backend) serveDirectly(w http.ResponseWriter, r *http.Request) bool {
	repo, kind := classify(r)
	dir := filepath.Join(b.Root, filepath.FromSlash(repo)+".git")
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err != nil || r.Header.Get("Content-Encoding") != "" {
		return false
	}
	service, advertise := "upload-pack", kind == ReadRefs || kind == PushRefs
	if kind == Push || kind == PushRefs {
		service = "receive-pack"
	}
	if advertise != (r.Method == http.MethodGet) || !advertise && r.Header.Get("Content-Type") != "application/x-git-"+service+"-request" {
		return false
	}
	if advertise && r.URL.RawQuery != "service=git-"+service {
		return false
	}
	args, answer := []string{service, "--stateless-rpc", dir}, "result"
	if advertise {
		args, answer = slices.Insert(args, 2, "--http-backend-info-refs"), "advertisement"
	}
	cmd := exec.CommandContext(r.Context(), "git", args...)
	cmd.Env = append(gitEnv(), "REMOTE_USER=test", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@http.127.0.0.1",
		"GIT_PROTOCOL="+r.Header.Get("Git-Protocol"))
	cmd.Dir, cmd.Stdin = os.TempDir(), r.Body
	stdout, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return false
	}
	defer func() {
		stdout.Close() // the fault of a server ends the copy early
		_ = cmd.Wait() // the client reads what went wrong
	}()
	w.Header().Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
	w.Header().Set("Content-Type", "application/x-git-"+service+"-"+answer)
	if advertise && !strings.Contains(r.Header.Get("Git-Protocol"), "version=2") {
		line := "# service=git-" + service + "\n"
		fmt.Fprintf(w, "%04x%s0000", len(line)+4, line)
	}
	_, _ = io.Copy(w, stdout)
	return true
}

// logged is where there is no test to fail: what goes wrong is printed.
type logged struct{ testing.TB }

func (logged) Helper()                      {}
func (logged) Error(args ...any)            { log.Print(args...) }
func (logged) Errorf(f string, args ...any) { log.Printf(f, args...) }

// cgi is git http-backend.
func (b Backend) cgi() http.Handler {
	git, _ := exec.LookPath("git") // without it nothing was served before
	env := append(gitEnv(), "GIT_PROJECT_ROOT="+b.Root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=test")
	return &cgi.Handler{Path: git, Args: []string{"http-backend"}, Env: env, Stderr: io.Discard, Dir: os.TempDir(),
		Logger: log.New(io.Discard, "", 0)} // a client that is gone is a part of many tests
}
