// Package ghtest is a GitHub for tests: in-process, with the state that GitHub
// has, over real bare repositories.
//
//	server := ghtest.NewServer(t, ghtest.Options{Token: "s3cret"})
//	repo := server.AddRepo("example/k8s", gitServer.NewRepo("k8s", files))
//	server.Fail("POST /repos/{owner}/{repo}/pulls", ghtest.Fault{Status: 502})
//	… open a pull request at server.APIURL() …
//	repo.Merge(1, "carol")
//
// The repository may be served by gittest at the same time: what is pushed there
// is the head of a pull request here. Every request, and every answer that is not
// a fault, is checked against GitHub's OpenAPI description, and every GraphQL
// document against the part of GitHub's schema in schema.graphql; what does not
// fit fails the test.
package ghtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8srepo/internal/gitrepo/gittest"
)

// Options are what a server is like.
type Options struct {
	Token      string        // the one that is known; "" lets everybody do everything
	Login      string        // whose token it is; "" is tagbump[bot]
	ReadOnly   bool          // the token may not write
	Latency    time.Duration // added to every request
	Enterprise bool          // /api/v3 and /api/graphql, as on a server of one's own
	OldRefs    bool          // a GitHub without the mutations createRef and updateRefs
	PageSize   int           // a page has no more entries than that, whatever is asked for; 0 is GitHub's 100
	TLS        bool
}

// Fault is what a server does instead of its work, or to it. Its zero value does
// nothing wrong.
type Fault struct {
	Status   int         // answer with this status
	Header   http.Header // and these headers
	Body     string      // and this text; "" is a message in JSON
	Hang     bool        // do not answer at all, until the client is gone
	Cut      bool        // close the connection before the work is done
	Deaf     bool        // do the work, then close the connection without an answer
	Truncate int         // do the work, then answer so many bytes only
	Then     func()      // called before anything else: to move a branch, say
	Done     func()      // called once the work is done, before the answer
	Hung     func()      // called once it hangs
}

// SecondaryLimit returns the answer of GitHub's secondary rate limits.
func SecondaryLimit(retryAfter int) Fault {
	f := Fault{Status: http.StatusForbidden, Body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`}
	if retryAfter > 0 {
		f.Header = http.Header{"Retry-After": {strconv.Itoa(retryAfter)}}
	}
	return f
}

// PrimaryLimit returns the answer where a token has used up its requests, until a time.
func PrimaryLimit(until time.Time) Fault {
	return Fault{
		Status: http.StatusForbidden, Header: http.Header{"X-RateLimit-Remaining": {"0"}, "X-RateLimit-Reset": {strconv.FormatInt(until.Unix(), 10)}},
		Body: `{"message":"API rate limit exceeded for installation ID 1.","documentation_url":"https://docs.github.com/rest/overview/resources-in-the-rest-api#rate-limiting"}`,
	}
}

// GraphQLLimit returns the answer to GraphQL where a token has used up its points: a
// success, with an error in it.
func GraphQLLimit(until time.Time) Fault {
	f := PrimaryLimit(until)
	f.Status, f.Body = http.StatusOK, `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for installation ID 1."}]}`
	return f
}

// Request is one line of a server's log.
type Request struct {
	Kind          string // such as "GET /repos/{owner}/{repo}/pulls", or "graphql createCommitOnBranch"
	Path          string // with the query
	Authorization string // the header; "" if there is none
	Body          string
	Status        int // of the answer; 0 if there was none
}

// Server is a GitHub.
type Server struct {
	*httptest.Server
	t       testing.TB
	options Options

	mu     sync.Mutex // of what the server knows: one request at a time
	repos  map[string]*Repo
	lastID int

	logMu  sync.Mutex
	log    []Request
	faults map[string][]Fault
	used   int
}

// NewServer starts a server, which is stopped when the test ends.
func NewServer(t testing.TB, o Options) *Server {
	t.Helper()
	o.Login = cmp.Or(o.Login, "tagbump[bot]")
	s := &Server{t: t, options: o, repos: map[string]*Repo{}, faults: map[string][]Fault{}, lastID: 1000}
	s.Server = gittest.StartHTTP(http.HandlerFunc(s.serve), o.TLS, false)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// APIURL returns where REST is, without a slash at the end.
func (s *Server) APIURL() string { return s.URL + s.restPrefix() }

// GraphQLURL returns where GraphQL is.
func (s *Server) GraphQLURL() string {
	if s.options.Enterprise {
		return s.URL + "/api/graphql"
	}
	return s.URL + "/graphql"
}

func (s *Server) restPrefix() string {
	if s.options.Enterprise {
		return "/api/v3"
	}
	return ""
}

// Fail has the next requests of a kind ("" is any) meet faults, one each, in order.
func (s *Server) Fail(kind string, faults ...Fault) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.faults[kind] = append(s.faults[kind], faults...)
}

// Forget drops the faults that no request has met.
func (s *Server) Forget() {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	clear(s.faults)
}

// Log returns the requests so far.
func (s *Server) Log() []Request {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return slices.Clone(s.log)
}

// Count returns how many requests there were, of these kinds or of any: round trips.
func (s *Server) Count(kinds ...string) int {
	n := 0
	for _, r := range s.Log() {
		if len(kinds) == 0 || slices.Contains(kinds, r.Kind) {
			n++
		}
	}
	return n
}

// Reset empties the log.
func (s *Server) Reset() {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.log = nil
}

func (s *Server) next(kind string) Fault {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	for _, k := range []string{kind, ""} {
		if queue := s.faults[k]; len(queue) > 0 {
			s.faults[k] = queue[1:]
			return queue[0]
		}
	}
	return Fault{}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	x := &exchange{server: s, request: r, body: body, reply: httptest.NewRecorder()}
	x.kind = x.classify()
	s.logMu.Lock()
	at := len(s.log)
	s.log = append(s.log, Request{Kind: x.kind, Path: r.URL.RequestURI(), Authorization: r.Header.Get("Authorization"), Body: string(body)})
	s.used++
	used := s.used
	s.logMu.Unlock()

	f := s.next(x.kind)
	if f.Then != nil {
		f.Then()
	}
	if s.options.Latency > 0 {
		time.Sleep(s.options.Latency)
	}
	header := w.Header()
	x.setLimits(header, used)
	switch {
	case f.Hang:
		if f.Hung != nil {
			f.Hung()
		}
		<-r.Context().Done()
		return
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		for name, values := range f.Header {
			header.Del(name)
			header[http.CanonicalHeaderKey(name)] = values
		}
		header.Set("Content-Type", "application/json; charset=utf-8")
		s.logStatus(at, f.Status)
		w.WriteHeader(f.Status)
		io.WriteString(w, cmp.Or(f.Body, fmt.Sprintf(`{"message":%q,"documentation_url":"https://docs.github.com/rest"}`, http.StatusText(f.Status))))
		return
	}
	func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		x.answer()
	}()
	if f.Done != nil {
		f.Done()
	}
	if f.Deaf {
		panic(http.ErrAbortHandler)
	}
	s.logStatus(at, x.reply.Code)
	maps.Copy(header, x.reply.Header())
	out := x.reply.Body.Bytes()
	header.Set("Content-Length", strconv.Itoa(len(out)))
	if x.reply.Code == http.StatusNoContent {
		header.Del("Content-Length")
	}
	w.WriteHeader(x.reply.Code)
	if f.Truncate > 0 && f.Truncate < len(out) {
		w.Write(out[:f.Truncate])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(out)
}

// setLimits sets the headers that say how many requests are left, and which request this is.
func (x *exchange) setLimits(header http.Header, used int) {
	resource := "core"
	if x.document != nil || x.isGraphQL() {
		resource = "graphql"
	}
	for name, value := range map[string]string{
		"Limit": "5000", "Remaining": strconv.Itoa(5000 - used), "Used": strconv.Itoa(used),
		"Reset": strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10), "Resource": resource,
	} {
		header.Set("X-RateLimit-"+name, value)
	}
	header.Set("X-GitHub-Request-Id", fmt.Sprintf("TEST:%d", used))
}

func (s *Server) logStatus(at, status int) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	if at < len(s.log) {
		s.log[at].Status = status
	}
}

// exchange is a request and the answer to it.
type exchange struct {
	server  *Server
	request *http.Request
	body    []byte
	reply   *httptest.ResponseRecorder
	kind    string

	route    *route            // of REST; nil if there is none
	params   map[string]string // of the path
	document *document         // of GraphQL; nil if it is none, or does not fit the schema
	repo     *Repo             // that the path names
	login    string            // of the token; "" if there is none
}

func (x *exchange) isGraphQL() bool {
	return x.server.URL+x.request.URL.Path == x.server.GraphQLURL()
}

func (x *exchange) classify() string {
	if x.isGraphQL() {
		x.document = parseDocument(x.body, x.server.options)
		return x.document.kind()
	}
	path, ok := strings.CutPrefix(x.request.URL.EscapedPath(), x.server.restPrefix())
	if ok {
		x.route, x.params = findRoute(x.request.Method, path)
	}
	if x.route == nil {
		return x.request.Method + " " + path
	}
	return x.route.kind
}

// answer does what the request asks for.
func (x *exchange) answer() {
	s := x.server
	authorization := x.request.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(authorization, " ")
	switch {
	case s.options.Token == "":
		x.login = s.options.Login
	case authorization == "":
	case token == s.options.Token && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token")):
		x.login = s.options.Login
	default:
		x.fail(http.StatusUnauthorized, "Bad credentials")
		return
	}
	if x.isGraphQL() {
		x.answerGraphQL()
		return
	}
	x.answerREST()
}

// json answers with a value.
func (x *exchange) json(status int, value any) {
	x.reply.Header().Set("Content-Type", "application/json; charset=utf-8")
	x.reply.WriteHeader(status)
	if err := json.NewEncoder(x.reply).Encode(value); err != nil {
		x.server.t.Errorf("ghtest: %v", err)
	}
}

// fieldError is one of the errors of a 422.
type fieldError struct {
	Resource string `json:"resource,omitempty"`
	Field    string `json:"field,omitempty"`
	Code     string `json:"code"`
	Message  string `json:"message,omitempty"`
}

func (x *exchange) fail(status int, message string, errs ...fieldError) {
	value := map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)}
	if len(errs) > 0 {
		value["errors"] = errs
	}
	x.json(status, value)
}

func (x *exchange) invalid(errs ...fieldError) {
	x.fail(http.StatusUnprocessableEntity, "Validation Failed", errs...)
}

func (s *Server) newID() int {
	s.lastID++
	return s.lastID
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }
