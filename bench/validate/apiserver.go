package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/yaml"
)

// apiServer is a real API server, asked over HTTP as kubectl apply --server-side
// --dry-run=server does.
type apiServer struct {
	url, token string
	client     *http.Client

	lock       sync.Mutex
	resources  map[string]map[string]resource // by apiVersion and kind; nil where nothing is served
	namespaces map[string]bool                // those that were made
}

// resource is where the objects of a kind are.
type resource struct {
	Name       string
	Kind       string
	Namespaced bool
}

// answer is what the API server says of an object.
type answer struct {
	taken    bool
	message  string
	warnings []string
}

func newAPIServer(address, token, ca string) (*apiServer, error) {
	config := &tls.Config{InsecureSkipVerify: ca == ""} //nolint:gosec // a server for tests, with a certificate of its own
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", ca)
		}
	}
	return &apiServer{
		url: strings.TrimSuffix(address, "/"), token: token,
		client:    &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: askers}},
		resources: map[string]map[string]resource{}, namespaces: map[string]bool{},
	}, nil
}

// minor returns the server's minor, such as 1.34.
func (s *apiServer) minor() (minor, full string, err error) {
	var version struct{ Major, Minor, GitVersion string }
	if err := s.get("/version", &version); err != nil {
		return "", "", err
	}
	return version.Major + "." + strings.TrimRight(version.Minor, "+"), version.GitVersion, nil
}

func (s *apiServer) get(path string, into any) error {
	status, _, body, err := s.do(http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: HTTP status %d: %s", path, status, statusMessage(body))
	}
	return json.Unmarshal(body, into)
}

func (s *apiServer) do(method, path, contentType string, body []byte) (status int, warnings []string, answer []byte, err error) {
	request, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Accept", "application/json")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	for _, w := range response.Header.Values("Warning") { // 299 - "TEXT"
		if _, text, ok := strings.Cut(w, `"`); ok {
			warnings = append(warnings, strings.ReplaceAll(strings.TrimSuffix(text, `"`), `\"`, `"`))
		}
	}
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, warnings, answer, err
}

func statusMessage(body []byte) string {
	var status struct{ Message string }
	if json.Unmarshal(body, &status) == nil && status.Message != "" {
		return status.Message
	}
	return string(body)
}

// find returns where the objects of a kind are; ok is false where the server has none.
func (s *apiServer) find(apiVersion, kind string) (r resource, ok bool, err error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	known, asked := s.resources[apiVersion]
	if !asked {
		var list struct{ Resources []resource }
		status, _, body, err := s.do(http.MethodGet, groupPath(apiVersion), "", nil)
		if err != nil {
			return r, false, err
		}
		if status == http.StatusOK {
			if err := json.Unmarshal(body, &list); err != nil {
				return r, false, err
			}
		}
		known = map[string]resource{}
		for _, one := range list.Resources {
			if !strings.Contains(one.Name, "/") { // not a subresource
				known[one.Kind] = one
			}
		}
		s.resources[apiVersion] = known
	}
	r, ok = known[kind]
	return r, ok, nil
}

func groupPath(apiVersion string) string {
	if !strings.Contains(apiVersion, "/") {
		return "/api/" + url.PathEscape(apiVersion)
	}
	group, version, _ := strings.Cut(apiVersion, "/")
	return "/apis/" + url.PathEscape(group) + "/" + url.PathEscape(version)
}

// ask applies an object by dry run, strictly. What kubectl refuses by itself is refused too.
func (s *apiServer) ask(text []byte) (answer, error) {
	var object struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name, GenerateName, Namespace any
		} `json:"metadata"`
	}
	if err := yaml.Unmarshal(text, &object); err != nil {
		return answer{message: err.Error()}, nil
	}
	r, ok, err := s.find(object.APIVersion, object.Kind)
	if err != nil {
		return answer{}, err
	}
	if !ok {
		return answer{message: fmt.Sprintf("no matches for kind %q in version %q", object.Kind, object.APIVersion)}, nil
	}
	path := groupPath(object.APIVersion)
	if r.Namespaced {
		namespace, _ := object.Metadata.Namespace.(string)
		if namespace == "" {
			namespace = "default"
		}
		if err := s.makeNamespace(namespace); err != nil {
			return answer{}, err
		}
		path += "/namespaces/" + url.PathEscape(namespace)
	}
	path += "/" + r.Name
	method, contentType := http.MethodPatch, "application/apply-patch+yaml"
	name, _ := object.Metadata.Name.(string)
	if generated, _ := object.Metadata.GenerateName.(string); name == "" && generated != "" {
		method, contentType = http.MethodPost, "application/yaml"
	} else if name == "" {
		return answer{message: "resource name may not be empty"}, nil
	} else {
		path += "/" + url.PathEscape(name)
	}
	query := "?dryRun=All&fieldValidation=Strict&fieldManager=bench"
	if method == http.MethodPatch {
		query += "&force=true"
	}
	status, warnings, body, err := s.do(method, path+query, contentType, text)
	if err != nil {
		return answer{}, err
	}
	if status >= 500 && status != 500 {
		return answer{}, fmt.Errorf("%s: HTTP status %d: %s", path, status, statusMessage(body))
	}
	if status >= 300 {
		return answer{message: statusMessage(body), warnings: warnings}, nil
	}
	return answer{taken: true, warnings: warnings}, nil
}

// makeNamespace makes a namespace for real, once: a dry run in one that is not there is refused.
func (s *apiServer) makeNamespace(name string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.namespaces[name] {
		return nil
	}
	s.namespaces[name] = true
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}})
	if err != nil {
		return err
	}
	_, _, _, err = s.do(http.MethodPost, "/api/v1/namespaces", "application/json", body)
	return err // a name that is refused, or there already, is seen by the object that is in it
}
