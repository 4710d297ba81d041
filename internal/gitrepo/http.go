package gitrepo

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"k8srepo/internal/problem"
)

// tokenUser is the user name that GitHub, GitLab and others take with a token.
const tokenUser = "x-access-token"

// httpWire is smart HTTP: https://git-scm.com/docs/http-protocol.
type httpWire struct {
	base   *url.URL // where the repository is, once redirects have been followed
	agent  string
	client *http.Client
	idle   time.Duration
}

func newHTTPWire(base *url.URL, agent string, o Options) (*httpWire, error) {
	carrier := o.Transport
	if carrier == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		if o.CAFile != "" {
			roots, err := rootsWith(o.CAFile)
			if err != nil {
				return nil, err
			}
			own.TLSClientConfig = &tls.Config{RootCAs: roots}
		}
		carrier = own
	}
	return &httpWire{
		base:  base,
		agent: agent,
		idle:  o.IdleTimeout,
		client: &http.Client{
			Transport:     &authorized{next: carrier, origin: originOf(base), token: o.Token},
			CheckRedirect: checkRedirect,
		},
	}, nil
}

// rootsWith is the system's certificates and those in file.
func rootsWith(file string) (*x509.CertPool, error) {
	const hint = "give a PEM file of certificates"
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, problem.New(hint, "the certificate authority: %v", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, problem.New(hint, "the certificate authority: %s holds no certificate", file)
	}
	return roots, nil
}

// authorized adds the token to the requests that stay at the origin it is for,
// and takes it off all others. As it sees each hop of a redirect on its own, no
// redirect can carry the token away.
type authorized struct {
	next   http.RoundTripper
	origin string
	token  string
}

func (a *authorized) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Del("Authorization")
	if a.token != "" && originOf(req.URL) == a.origin {
		req.SetBasicAuth(tokenUser, a.token)
	}
	return a.next.RoundTrip(req)
}

// originOf is scheme, host and port, each in one spelling.
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

const infoRefs = "/info/refs"

var errRedirect = errors.New("the server redirects")

// checkRedirect lets only advertisements be redirected, as Git does by default,
// and nothing from https to http.
func checkRedirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1]
	switch {
	case from.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, infoRefs):
		return fmt.Errorf("%w where Git does not follow", errRedirect)
	case from.URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("%w from https to %s", errRedirect, req.URL.Scheme)
	case len(via) > 5:
		return fmt.Errorf("%w in circles", errRedirect)
	}
	return nil
}

func (h *httpWire) advertise(ctx context.Context, service string) (io.ReadCloser, error) {
	at := h.base.JoinPath(infoRefs)
	at.RawQuery = url.Values{"service": {service}}.Encode()
	res, answer, err := h.do(ctx, http.MethodGet, at, "application/x-"+service+"-advertisement", nil, nil)
	if err != nil {
		return nil, err
	}
	if final := res.Request.URL; originOf(final) != originOf(h.base) || final.Path != at.Path {
		moved := *final
		moved.Path, moved.RawPath, moved.RawQuery = strings.TrimSuffix(final.Path, infoRefs), "", ""
		h.base = &moved
	}
	return answer, nil
}

func (h *httpWire) ask(ctx context.Context, service string, request []byte) (io.ReadCloser, error) {
	header := http.Header{"Content-Type": {"application/x-" + service + "-request"}}
	_, answer, err := h.do(ctx, http.MethodPost, h.base.JoinPath(service), "application/x-"+service+"-result", header, request)
	return answer, err
}

// do makes one request. An answer of another type than the wanted one is not a
// Git server's.
func (h *httpWire) do(ctx context.Context, method string, at *url.URL, want string, header http.Header, body []byte) (*http.Response, io.ReadCloser, error) {
	w := newWatch(ctx, h.idle)
	req, err := http.NewRequestWithContext(w, method, at.String(), bytes.NewReader(body))
	if err != nil {
		w.stop()
		return nil, nil, err
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("User-Agent", h.agent)
	req.Header.Set("Accept", want)
	res, err := h.client.Do(req)
	if err != nil {
		err = w.blame(lost(err))
		w.stop()
		return nil, nil, err
	}
	answer := &watched{res.Body, w, func() {
		io.CopyN(io.Discard, res.Body, 4<<10) // what is left over, so that the connection can serve again
		res.Body.Close()
	}}
	switch {
	case res.StatusCode != http.StatusOK:
		defer answer.Close()
		return nil, nil, statusError(res, answer)
	case res.Header.Get("Content-Type") != want:
		defer answer.Close()
		return nil, nil, &hinted{errors.New("what answers there is no Git repository"), "give the URL that git clone takes"}
	}
	return res, answer, nil
}

// lost is a request that no answer came to, without the URL that net/http puts
// before it. Doing it again may help, unless the certificate is at fault, or a
// redirect that we do not follow.
func lost(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	if errors.As(err, &certificate) || errors.As(err, &record) || errors.Is(err, errRedirect) {
		return err
	}
	return &cutError{err}
}

func statusError(res *http.Response, body io.Reader) error {
	e := &StatusError{Code: res.StatusCode, RetryAfter: retryAfter(res.Header, time.Now())}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") { // and not an HTML page
		start, _ := io.ReadAll(io.LimitReader(body, 1<<10))
		first, _, _ := strings.Cut(strings.TrimSpace(string(start)), "\n")
		e.Text = oneLine(first)
	}
	return e
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds, or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

func (h *httpWire) close() error {
	h.client.CloseIdleConnections()
	return nil
}
