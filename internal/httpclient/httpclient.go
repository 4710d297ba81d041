// Package httpclient sets up the HTTP clients of Git servers, GitHub and registries:
// which hosts a token may go to, the certificates to trust, proxies, redirects, and
// what is worth trying again.
package httpclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"k8srepo/internal/problem"
)

// Options say how a server is reached. The zero value reaches a public one.
type Options struct {
	// Authorization is the header's value; "" sends no such header. It is sent to Origins
	// only, also where they redirect to another one.
	Authorization string
	Origins       []*url.URL

	// CAFile is a PEM file of certificates to trust beside the system's.
	CAFile string
	// UserAgent is what servers' logs show; "" leaves it as requests have it.
	UserAgent string
	// Redirect adds to the rules for redirects: it returns why a redirect from one request
	// to another is not followed, or nil. A nil Redirect adds none.
	Redirect func(req, from *http.Request) error
	// Transport carries the requests; nil means Transport(CAFile). Another transport does
	// not use CAFile.
	Transport http.RoundTripper
}

// New makes a client. It asks no server anything.
func New(o Options) (*http.Client, error) {
	next := o.Transport
	if next == nil {
		own, err := Transport(o.CAFile)
		if err != nil {
			return nil, err
		}
		next = own
	}
	a := &authorized{next: WithoutSecretsInClear(next), header: o.Authorization, agent: o.UserAgent}
	for _, u := range o.Origins {
		a.origins = append(a.origins, Origin(u))
	}
	return &http.Client{Transport: a, CheckRedirect: redirects(o.Redirect)}, nil
}

// Transport is like http.DefaultTransport, which takes its proxies from the
// environment. It trusts the system's certificates and those in caFile, if that is
// not "".
func Transport(caFile string) (*http.Transport, error) {
	own := http.DefaultTransport.(*http.Transport).Clone()
	if caFile == "" {
		return own, nil
	}
	const hint = "give a PEM file of certificates"
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, problem.New(hint, "the certificate authority: %v", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, problem.New(hint, "the certificate authority: %s holds no certificate", caFile)
	}
	own.TLSClientConfig = &tls.Config{RootCAs: roots}
	return own, nil
}

// authorized adds the Authorization header to the requests that stay at the origins it
// is for, and takes it off all others. As it sees each hop of a redirect on its own, no
// redirect can carry the header away.
type authorized struct {
	next    http.RoundTripper
	origins []string
	header  string
	agent   string
}

func (a *authorized) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Del("Authorization")
	if a.header != "" && slices.Contains(a.origins, Origin(req.URL)) {
		req.Header.Set("Authorization", a.header)
	}
	if a.agent != "" {
		req.Header.Set("User-Agent", a.agent)
	}
	return a.next.RoundTrip(req)
}

func (a *authorized) CloseIdleConnections() { closeIdle(a.next) }

func closeIdle(t http.RoundTripper) {
	if t, ok := t.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// WithoutSecretsInClear returns next, but for requests that would send credentials over
// plain HTTP to another machine: they are errors.
func WithoutSecretsInClear(next http.RoundTripper) http.RoundTripper { return &inClear{next} }

type inClear struct{ next http.RoundTripper }

func (c *inClear) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Authorization") != "" && !MayCarrySecrets(req.URL) {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, fmt.Errorf("%w to %s", ErrInClear, req.URL.Host)
	}
	return c.next.RoundTrip(req)
}

func (c *inClear) CloseIdleConnections() { closeIdle(c.next) }

// ErrInClear is credentials that would have gone over plain HTTP.
var ErrInClear = errors.New("credentials are not sent over plain http")

// MayCarrySecrets reports whether a URL keeps what is sent to it from others: over
// https, or on the machine itself.
func MayCarrySecrets(u *url.URL) bool { return u.Scheme != "http" || isLoopback(u.Hostname()) }

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Origin returns scheme, host and port, in one spelling: https://host:443.
func Origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// SameHost reports whether two URLs are at one host and port, by whatever scheme.
func SameHost(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		o := Origin(u)
		return o[strings.LastIndexByte(o, ':'):]
	}
	return strings.EqualFold(a.Hostname(), b.Hostname()) && (port(a) == port(b) || a.Port() == "" && b.Port() == "")
}

// IsAPIOf reports whether api is where the server's own API may be: on its host, on the
// host api. before it, or both on this machine.
func IsAPIOf(api, server *url.URL) bool {
	a, s := strings.ToLower(api.Hostname()), strings.ToLower(server.Hostname())
	return a == s || a == "api."+s || isLoopback(a) && isLoopback(s)
}

// ErrRedirect is a redirect that is not followed.
var ErrRedirect = errors.New("the server redirects")

const maxRedirects = 5

// redirects returns the rules for redirects: none from https to http, few, and rule.
func redirects(rule func(req, from *http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		from := via[len(via)-1]
		switch {
		case from.URL.Scheme == "https" && req.URL.Scheme != "https":
			return fmt.Errorf("%w from https to %s", ErrRedirect, req.URL.Scheme)
		case len(via) > maxRedirects:
			return fmt.Errorf("%w more than %d times", ErrRedirect, maxRedirects)
		case rule != nil:
			return rule(req, from)
		}
		return nil
	}
}
