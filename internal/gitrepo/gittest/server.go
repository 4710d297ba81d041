// Package gittest is Git servers for tests: git's own, over bare repositories
// in temporary folders, with faults on demand.
//
//	server := gittest.NewServer(t, gittest.Options{Token: "s3cret"})
//	repo := server.NewRepo("k8s", gittest.Files{"dev/api.yaml": "image: api:1\n"})
//	server.Fail(gittest.Push, gittest.Fault{Status: 503})
//	… deploy to server.URL("k8s") …
//	repo.Fsck()
//
// HTTP is served by the commands that git http-backend starts, SSH by git's commands behind
// golang.org/x/crypto/ssh.
package gittest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Kind is what a request is for.
type Kind string

// The requests of smart HTTP.
const (
	ReadRefs Kind = "read refs" // what there is to fetch
	Fetch    Kind = "fetch"
	PushRefs Kind = "push refs" // what there is to push to
	Push     Kind = "push"
)

// Fault is what a server does instead of its work. Its zero value does nothing
// wrong.
type Fault struct {
	Status     int    // answer with this status
	RetryAfter string // and this header
	Body       string // and this text
	Hang       bool   // do not answer at all, until the client is gone
	HangAfter  int    // answer so many bytes, then hang
	Truncate   int    // answer so many bytes, then end as if that were all
	Cut        bool   // close the connection before the work is done
	Deaf       bool   // do the work, then close the connection without an answer
	Redirect   string // answer with a redirect to this URL; the request's path and query are added
	Then       func() // called before anything else: to move a branch, say
	Hung       func() // called once it hangs
	Done       func() // called once there is an answer
}

// Options are what a server is like.
type Options struct {
	Token    string        // the password that is wanted of user x-access-token; "" lets everybody in
	ReadOnly bool          // the token may not push
	Latency  time.Duration // added to every request
	TLS      bool          // serve https
	TCP      bool          // be there for other processes too: see InMemoryNetwork
	Direct   bool          // answer without git, where that is possible
	Memory   bool          // have the repositories in memory, until git has to answer: see Repo.Folder
	Root     string        // the folder of the repositories; "" is a temporary one

	DirectReads bool // answer all but pushes without git, where that is possible
}

// Request is one line of a server's log.
type Request struct {
	Kind          Kind
	Repo          string
	Authorization string // the header
	UserAgent     string
	Up, Down      int // bytes of the bodies
}

// Server is a smart HTTP server.
type Server struct {
	*httptest.Server
	t        testing.TB
	root     func() string // the folder of the repositories
	options  Options
	caches   sync.Map // of repositories, by name: see Repo.cache
	memories sync.Map // of repositories in memory, by name

	mu     sync.Mutex
	log    []Request
	faults map[Kind][]Fault
}

// NewServer starts a server, which is stopped when the test ends.
func NewServer(t testing.TB, o Options) *Server {
	t.Helper()
	root := func() string { return o.Root }
	if o.Root == "" {
		root = lateDir(t)
	}
	s := &Server{t: t, root: root, options: o, faults: map[Kind][]Fault{}}
	s.Server = StartHTTP(http.HandlerFunc(s.serve), o.TLS, o.TCP)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// NewRepo makes a repository on the server: see NewRepo.
func (s *Server) NewRepo(name string, files Files) *Repo {
	s.t.Helper()
	dir := func() string { return filepath.Join(s.root(), filepath.FromSlash(name)+".git") }
	if !s.options.Memory {
		return newRepoAt(s.t, dir(), files)
	}
	r := newInMemory(s.t, dir, "", files, func(*Repo) {})
	s.memories.Store(name, r.memory)
	return r
}

// repo returns a repository that was made on the server, or that is in its folder.
func (s *Server) repo(name string) *Repo {
	cache, _ := s.caches.LoadOrStore(name, &sync.Map{})
	r := &Repo{t: s.t, cache: cache.(*sync.Map)}
	if m, ok := s.memories.Load(name); ok {
		r.memory = m.(*memory)
	} else {
		r.Dir = filepath.Join(s.root(), filepath.FromSlash(name)+".git")
	}
	return r
}

// URL returns where a repository is served.
func (s *Server) URL(name string) string { return s.Server.URL + "/" + name + ".git" }

// Fail has the next requests of a kind meet faults, one each, in order.
func (s *Server) Fail(kind Kind, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[kind] = append(s.faults[kind], faults...)
}

// Log returns the requests so far.
func (s *Server) Log() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Count returns how many requests there were, of these kinds or of any.
func (s *Server) Count(kinds ...Kind) int {
	n := 0
	for _, r := range s.Log() {
		if len(kinds) == 0 || slices.Contains(kinds, r.Kind) {
			n++
		}
	}
	return n
}

// Down returns how many bytes the server has sent.
func (s *Server) Down() int {
	n := 0
	for _, r := range s.Log() {
		n += r.Down
	}
	return n
}

// Reset empties the log.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	repo, kind := classify(r)
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	counted := &countingWriter{ResponseWriter: w, limit: -1}
	at := s.record(Request{Kind: kind, Repo: repo, Authorization: r.Header.Get("Authorization"), UserAgent: r.UserAgent(), Up: len(body)})
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if at < len(s.log) {
			s.log[at].Down = counted.n
		}
	}()
	fault := s.next(kind)
	if fault.Done != nil {
		defer fault.Done()
	}
	s.answer(counted, r, kind, fault)
}

// classify reads what a request is for from its URL.
func classify(r *http.Request) (repo string, kind Kind) {
	repo, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), ".git/")
	service := cmp.Or(r.URL.Query().Get("service"), rest)
	switch {
	case rest == "info/refs" && service == "git-upload-pack":
		return repo, ReadRefs
	case rest == "info/refs":
		return repo, PushRefs
	case service == "git-upload-pack":
		return repo, Fetch
	}
	return repo, Push
}

func (s *Server) record(r Request) (index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, r)
	return len(s.log) - 1
}

func (s *Server) next(kind Kind) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := s.faults[kind]
	if len(queue) == 0 {
		return Fault{}
	}
	s.faults[kind] = queue[1:]
	return queue[0]
}

func (s *Server) answer(w *countingWriter, r *http.Request, kind Kind, f Fault) {
	if f.Then != nil {
		f.Then()
	}
	if s.options.Latency > 0 {
		time.Sleep(s.options.Latency)
	}
	hangs := func() {
		if f.Hung != nil {
			f.Hung()
		}
		<-r.Context().Done()
	}
	switch {
	case f.Hang:
		hangs()
		return
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect+r.URL.RequestURI(), http.StatusFound)
		return
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		http.Error(w, f.Body, f.Status)
		return
	}
	if status, text := s.authorize(r, kind); status != http.StatusOK {
		http.Error(w, text, status)
		return
	}
	var out http.ResponseWriter = w
	switch {
	case f.Deaf:
		out = httptest.NewRecorder()
	case f.Truncate > 0:
		w.limit = f.Truncate
	case f.HangAfter > 0:
		w.limit, w.hang = f.HangAfter, hangs
	}
	if s.options.Direct || s.options.DirectReads && kind != Push {
		body, _ := io.ReadAll(r.Body)
		name, _ := classify(r)
		if s.repo(name).serveItself(out, r, kind, body) {
			if f.Deaf {
				panic(http.ErrAbortHandler)
			}
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	name, _ := classify(r)
	s.repo(name).Folder()
	Backend{Root: s.root()}.ServeHTTP(out, r)
	if f.Deaf {
		panic(http.ErrAbortHandler)
	}
}

// authorize returns the status of a request by its credentials, and what is wrong with them.
func (s *Server) authorize(r *http.Request, kind Kind) (status int, text string) {
	user, password, ok := r.BasicAuth()
	switch {
	case s.options.Token == "":
		return http.StatusOK, ""
	case !ok:
		return http.StatusUnauthorized, "authentication is required"
	case user != "x-access-token" || password != s.options.Token:
		return http.StatusUnauthorized, "bad credentials"
	case s.options.ReadOnly && (kind == PushRefs || kind == Push):
		return http.StatusForbidden, "write access to the repository is not granted"
	}
	return http.StatusOK, ""
}

// countingWriter counts the bytes of an answer, and can end it early.
type countingWriter struct {
	http.ResponseWriter
	n     int
	limit int    // -1: none
	hang  func() // nil: end the answer at the limit; else called there
}

func (w *countingWriter) WriteHeader(status int) {
	if w.limit >= 0 {
		w.Header().Del("Content-Length")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	keep := p
	if w.limit >= 0 && w.n+len(p) > w.limit {
		keep = p[:max(0, w.limit-w.n)]
	}
	n, err := w.ResponseWriter.Write(keep)
	w.n += n
	if err == nil && len(keep) < len(p) && w.hang != nil {
		w.Flush()
		w.hang()
		panic(http.ErrAbortHandler)
	}
	return len(p), err
}

func (w *countingWriter) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Many returns a k8s repo of some size: in each environment, so many services
// (s00000 and so on), each with a folder of four files below
// <environment>/manifests.
func Many(services int, environments ...string) Files {
	files := Files{}
	for _, env := range environments {
		for i := range services {
			name := fmt.Sprintf("s%05d", i)
			for _, part := range []string{"deployment", "service", "ingress", "config"} {
				path := fmt.Sprintf("%s/manifests/%s/%s-%s-%s.yaml", env, name, name, env, part)
				files[path] = fmt.Sprintf("kind: %s\nmetadata:\n  name: %s\n  namespace: %s\nimage: registry.example.com/%s:%d\n", part, name, env, name, i)
			}
		}
	}
	return files
}
