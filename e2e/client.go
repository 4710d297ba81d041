package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// object is an object of Kubernetes.
type object map[string]any

// at returns the value at a path of keys; nil if there is none.
func (o object) at(path ...string) any {
	var v any = map[string]any(o)
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (o object) text(path ...string) string {
	s, _ := o.at(path...).(string)
	return s
}

func (o object) list(path ...string) []any {
	l, _ := o.at(path...).([]any)
	return l
}

func (o object) kind() string      { return o.text("kind") }
func (o object) name() string      { return o.text("metadata", "name") }
func (o object) namespace() string { return o.text("metadata", "namespace") }

func (o object) String() string {
	return o.kind() + " " + strings.TrimPrefix(o.namespace()+"/"+o.name(), "/")
}

// set puts a value at a path, making the maps on it.
func (o object) set(value any, path ...string) {
	m := map[string]any(o)
	for _, key := range path[:len(path)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	m[path[len(path)-1]] = value
}

// client talks to an API server.
type client struct {
	base, token string
	http        *http.Client

	mu        sync.Mutex
	resources map[string]map[string]resource // by apiVersion and kind
	warnings  []string
}

// resource is how a kind is reached.
type resource struct {
	Name, Kind string
	Namespaced bool
}

// statusError is an answer of the API server that is not a success.
type statusError struct {
	Code    int
	Message string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

func isNotFound(err error) bool {
	var s *statusError
	return errors.As(err, &s) && s.Code == http.StatusNotFound
}

func newClient(base, token string) *client {
	return &client{base: base, token: token, resources: map[string]map[string]resource{}}
}

// trust makes the client accept the certificate in a file that the server writes at its start.
func (c *client) trust(file string) error {
	if c.http != nil {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return fmt.Errorf("%s holds no certificate", file)
	}
	c.http = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 8}}
	return nil
}

// request sends a body, if there is one, and returns the answer.
func (c *client) request(ctx context.Context, method, path, contentType string, body any) ([]byte, error) {
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, sent)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.warnings = append(c.warnings, res.Header.Values("Warning")...)
	c.mu.Unlock()
	if res.StatusCode/100 != 2 {
		var status struct{ Message string }
		if json.Unmarshal(data, &status) != nil {
			status.Message = string(data)
		}
		return nil, &statusError{res.StatusCode, status.Message}
	}
	return data, nil
}

// find returns how a kind is reached.
func (c *client) find(ctx context.Context, apiVersion, kind string) (resource, error) {
	c.mu.Lock()
	r, known := c.resources[apiVersion][kind]
	c.mu.Unlock()
	if known {
		return r, nil
	}
	data, err := c.request(ctx, "GET", groupPath(apiVersion), "", nil)
	if err != nil {
		return resource{}, fmt.Errorf("%s: %w", apiVersion, err)
	}
	var answer struct{ Resources []resource }
	if err := json.Unmarshal(data, &answer); err != nil {
		return resource{}, err
	}
	kinds := map[string]resource{}
	for _, r := range answer.Resources {
		if !strings.Contains(r.Name, "/") {
			kinds[r.Kind] = r
		}
	}
	c.mu.Lock()
	c.resources[apiVersion] = kinds
	c.mu.Unlock()
	if r, known = kinds[kind]; !known {
		return resource{}, fmt.Errorf("the API server does not know %s %s", apiVersion, kind)
	}
	return r, nil
}

func groupPath(apiVersion string) string {
	if strings.Contains(apiVersion, "/") {
		return "/apis/" + apiVersion
	}
	return "/api/" + apiVersion
}

// path returns the path of an object, or of its kind's collection if name is empty.
func (c *client) path(ctx context.Context, apiVersion, kind, namespace, name string) (string, error) {
	r, err := c.find(ctx, apiVersion, kind)
	if err != nil {
		return "", err
	}
	path := groupPath(apiVersion)
	if r.Namespaced && namespace != "" {
		path += "/namespaces/" + namespace
	}
	path += "/" + r.Name
	if name != "" {
		path += "/" + name
	}
	return path, nil
}

// apply applies an object as server-side apply does, or only asks what would become of it.
func (c *client) apply(ctx context.Context, o object, dryRun bool) error {
	path, err := c.path(ctx, o.text("apiVersion"), o.kind(), o.namespace(), o.name())
	if err != nil {
		return err
	}
	query := url.Values{"fieldManager": {"e2e"}, "force": {"true"}, "fieldValidation": {"Strict"}}
	if dryRun {
		query.Set("dryRun", "All")
	}
	_, err = c.request(ctx, "PATCH", path+"?"+query.Encode(), "application/apply-patch+yaml", o)
	return err
}

// dryCreate asks whether an object could be created.
func (c *client) dryCreate(ctx context.Context, o object) error {
	path, err := c.path(ctx, o.text("apiVersion"), o.kind(), o.namespace(), "")
	if err != nil {
		return err
	}
	_, err = c.request(ctx, "POST", path+"?dryRun=All&fieldValidation=Strict", "application/json", o)
	return err
}

// get returns an object.
func (c *client) get(ctx context.Context, apiVersion, kind, namespace, name string) (object, error) {
	path, err := c.path(ctx, apiVersion, kind, namespace, name)
	if err != nil {
		return nil, err
	}
	data, err := c.request(ctx, "GET", path, "", nil)
	if err != nil {
		return nil, err
	}
	var o object
	return o, json.Unmarshal(data, &o)
}

// live returns an object as it is now.
func (c *client) live(ctx context.Context, o object) (object, error) {
	return c.get(ctx, o.text("apiVersion"), o.kind(), o.namespace(), o.name())
}

// all returns the objects of a kind, in one namespace or in all.
func (c *client) all(ctx context.Context, apiVersion, kind, namespace string) ([]object, error) {
	path, err := c.path(ctx, apiVersion, kind, namespace, "")
	if err != nil {
		return nil, err
	}
	data, err := c.request(ctx, "GET", path, "", nil)
	if err != nil {
		return nil, err
	}
	var list struct{ Items []object }
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	for _, o := range list.Items {
		o["apiVersion"], o["kind"] = apiVersion, kind
	}
	return list.Items, nil
}

// merge sends a merge patch of an object, or of one of its subresources such as status.
func (c *client) merge(ctx context.Context, o object, subresource string, patch any) error {
	path, err := c.path(ctx, o.text("apiVersion"), o.kind(), o.namespace(), o.name())
	if err != nil {
		return err
	}
	if subresource != "" {
		path += "/" + subresource
	}
	_, err = c.request(ctx, "PATCH", path, "application/merge-patch+json", patch)
	return err
}
