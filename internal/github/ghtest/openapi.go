package ghtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed testdata/github-openapi.json
var openapiFile embed.FS

// route is an operation of GitHub's description.
type route struct {
	kind    string // method and path
	pattern *regexp.Regexp
	names   []string // of the path's parameters
	words   []string // what is between them
	spec    routers.Route
}

// description is GitHub's OpenAPI description, and its routes.
var description = sync.OnceValues(func() (*openapi3.T, []*route) {
	raw, err := openapiFile.ReadFile("testdata/github-openapi.json")
	if err != nil {
		panic(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		panic(err)
	}
	var routes []*route
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			r := &route{kind: method + " " + path, spec: routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation}}
			r.pattern, r.names = compile(path)
			r.words = parameter.Split(path, -1)
			routes = append(routes, r)
		}
	}
	// Where two fit, the one with more words of its own is meant.
	slices.SortFunc(routes, func(a, b *route) int {
		return strings.Compare(parameter.ReplaceAllString(b.spec.Path, "\x00"), parameter.ReplaceAllString(a.spec.Path, "\x00"))
	})
	return doc, routes
})

var parameter = regexp.MustCompile(`\\?\{(\w+)\\?\}`)

// compile makes a pattern of a path. The parameters that may hold slashes are the
// last ones of their paths.
func compile(path string) (*regexp.Regexp, []string) {
	var names []string
	text := parameter.ReplaceAllStringFunc(regexp.QuoteMeta(path), func(m string) string {
		name := parameter.FindStringSubmatch(m)[1]
		names = append(names, name)
		if slices.Contains([]string{"ref", "basehead", "path", "branch"}, name) {
			return "(.+)"
		}
		return "([^/]+)"
	})
	return regexp.MustCompile("^" + text + "$"), names
}

func findRoute(method, escapedPath string) (*route, map[string]string) {
	_, routes := description()
	for _, r := range routes {
		if r.spec.Method != method || !containsAll(escapedPath, r.words) { // a pattern takes longer
			continue
		}
		m := r.pattern.FindStringSubmatch(escapedPath)
		if m == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range r.names {
			value, err := url.PathUnescape(m[i+1])
			if err != nil {
				return nil, nil
			}
			params[name] = value
		}
		return r, params
	}
	return nil, nil
}

func containsAll(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// checked are the requests and the answers that fit the description, by all that it says something
// about.
var checked sync.Map

// once calls a function, unless it returned true for the same words before.
func once(fits func() bool, words ...string) {
	h := sha256.New()
	for _, word := range words {
		fmt.Fprintf(h, "%d ", len(word))
		io.WriteString(h, word)
	}
	key := [sha256.Size]byte(h.Sum(nil))
	if _, known := checked.Load(key); !known && fits() {
		checked.Store(key, true)
	}
}

// check holds an exchange against the description.
func (x *exchange) check() {
	x.request.Body = io.NopCloser(bytes.NewReader(x.body))
	in := &openapi3filter.RequestValidationInput{
		Request: x.request, PathParams: x.params, Route: &x.route.spec,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true, IncludeResponseStatus: true},
	}
	// The server's address, hashes and times are all that differs from one exchange to the next in any
	// case.
	neutral := func(text string) string { return neutral(strings.ReplaceAll(text, x.server.URL, "http://github.test")) }
	if status := x.reply.Code; status < 400 {
		once(func() bool { return x.checkRequest(in) }, "request", x.kind, neutral(x.request.URL.RequestURI()), fmt.Sprint(x.request.Header), neutral(string(x.body)))
	}
	once(func() bool { return x.checkAnswer(in) }, "answer", x.kind, neutral(fmt.Sprint(x.reply.Code, x.reply.Header())), neutral(x.reply.Body.String()))
}

// neutral returns a text whose hashes, and whose times of RFC 3339, are all the same: the description
// does not tell one from another.
func neutral(text string) string {
	out := []byte(text)
	for at := 0; at < len(out); {
		n := 0
		for at+n < len(out) && isHex[out[at+n]] {
			n++
		}
		switch {
		case n == len(noOid):
			copy(out[at:], noOid)
		case n == len("2006") && at+len(anyTime) <= len(out) && isTime(out[at:at+len(anyTime)]):
			n = copy(out[at:], anyTime)
		}
		at += n + 1
	}
	return string(out)
}

const anyTime = "2006-01-02T15:04:05Z"

// isTime reports whether a text has digits where anyTime has some, and is like it otherwise.
func isTime(text []byte) bool {
	for i, c := range []byte(anyTime) {
		if isDigit := text[i] >= '0' && text[i] <= '9'; isDigit != (c >= '0' && c <= '9') || !isDigit && text[i] != c {
			return false
		}
	}
	return true
}

var isHex = func() (set [256]bool) {
	for _, c := range []byte("0123456789abcdef") {
		set[c] = true
	}
	return set
}()

func (x *exchange) checkRequest(in *openapi3filter.RequestValidationInput) (fits bool) {
	err := openapi3filter.ValidateRequest(context.Background(), in)
	if err != nil {
		x.server.t.Errorf("ghtest: a request that GitHub would not take: %s: %v\n%s", x.kind, firstLine(err), x.body)
	}
	return err == nil
}

func (x *exchange) checkAnswer(in *openapi3filter.RequestValidationInput) (fits bool) {
	t := x.server.t
	status, body := x.reply.Code, x.reply.Body.Bytes()
	if x.route.spec.Operation.Responses.Status(status) == nil && status >= 400 {
		// Every operation may end so, whether the description has it or not.
		doc, _ := description()
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			t.Errorf("ghtest: %s: %v", x.kind, err)
			return false
		}
		err := doc.Components.Schemas["basic-error"].Value.VisitJSON(value)
		if err != nil {
			t.Errorf("ghtest: an error that GitHub would not answer: %s: %v", x.kind, err)
		}
		return err == nil
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: status, Header: x.reply.Header(), Options: in.Options}
	if status != http.StatusNoContent && len(x.route.spec.Operation.Responses.Status(status).Value.Content) > 0 {
		out.SetBodyBytes(body)
	}
	err := openapi3filter.ValidateResponse(context.Background(), out)
	if err != nil {
		t.Errorf("ghtest: an answer that GitHub would not give: %s: %v", x.kind, firstLine(err))
	}
	return err == nil
}

// shape returns a value with everything beside it that the schema of a name requires:
// GitHub's objects have a hundred members of which a test means three.
func (s *Server) shape(name string, value any) any {
	doc, _ := description()
	return s.fill(doc.Components.Schemas[name].Value, name, value, true)
}

func (s *Server) fill(schema *openapi3.Schema, name string, value any, given bool) any {
	for _, some := range []openapi3.SchemaRefs{schema.AllOf, schema.OneOf, schema.AnyOf} {
		if len(some) > 0 {
			if given && value == nil || !given && schema.Nullable {
				return nil
			}
			return s.fill(some[0].Value, name, value, given)
		}
	}
	switch {
	case given && value == nil, !given && schema.Nullable:
		return nil
	case schema.Type.Is("object"):
		known, _ := value.(map[string]any)
		out := make(map[string]any, len(schema.Required)+len(known))
		for _, key := range schema.Required {
			if property := schema.Properties[key]; property != nil {
				v, has := known[key]
				out[key] = s.fill(property.Value, key, v, has)
			}
		}
		for key, v := range known {
			if _, has := out[key]; has {
				continue
			}
			if property := schema.Properties[key]; property != nil {
				v = s.fill(property.Value, key, v, true)
			} else {
				s.t.Errorf("ghtest: %s has no %s", name, key)
			}
			out[key] = v
		}
		return out
	case schema.Type.Is("array"):
		out := []any{}
		items, _ := value.([]any)
		for _, item := range items {
			out = append(out, s.fill(schema.Items.Value, name, item, true))
		}
		return out
	case given:
		return value
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case schema.Type.Is("boolean"):
		return false
	case schema.Type.Is("integer"), schema.Type.Is("number"):
		return 0
	case schema.Format == "uri":
		return s.APIURL() + "/" + name
	case schema.Format == "date-time":
		return now()
	}
	return ""
}

// firstLine returns what an error says, without the schema that follows.
func firstLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}
