package gitrepo

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8srepo/internal/httpclient"
)

// tokenUser is the user name that GitHub, GitLab and others take with a token.
const tokenUser = "x-access-token"

// httpWire is smart HTTP: https://git-scm.com/docs/http-protocol.
type httpWire struct {
	base   *url.URL // where the repository is, once redirects have been followed
	client *http.Client
	patience
}

func newHTTPWire(base *url.URL, agent string, o Options) (*httpWire, error) {
	set := httpclient.Options{Origins: []*url.URL{base}, CAFile: o.CAFile, UserAgent: agent, Redirect: mayRedirect, Transport: o.Transport}
	if o.Token != "" {
		set.Authorization = "Basic " + basicAuth(o.Token)
	}
	client, err := httpclient.New(set)
	if err != nil {
		return nil, err
	}
	return &httpWire{base: base, client: client, patience: o.patience()}, nil
}

// basicAuth returns a token as basic authentication sends it.
func basicAuth(token string) string {
	return base64.StdEncoding.EncodeToString([]byte(tokenUser + ":" + token))
}

const infoRefs = "/info/refs"

// mayRedirect lets only advertisements be redirected, as Git does by default.
func mayRedirect(req, from *http.Request) error {
	if from.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, infoRefs) {
		return fmt.Errorf("%w where Git does not follow", httpclient.ErrRedirect)
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
	if final := res.Request.URL; httpclient.Origin(final) != httpclient.Origin(h.base) || final.Path != at.Path {
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
	w := h.watch(ctx)
	req, err := http.NewRequestWithContext(w, method, at.String(), bytes.NewReader(body))
	if err != nil {
		w.stop()
		return nil, nil, err
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("Accept", want)
	res, err := h.client.Do(req)
	if err != nil {
		err = w.blame(transportError(err))
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

// transportError returns a request that no answer came to, without the URL that net/http
// puts before it. Doing it again may help unless httpclient.IsFinal.
func transportError(err error) error {
	err = httpclient.Unwrapped(err)
	if httpclient.IsFinal(err) {
		return err
	}
	return &cutError{err}
}

func statusError(res *http.Response, body io.Reader) error {
	e := &StatusError{Code: res.StatusCode, RetryAfter: httpclient.RetryAfter(res.Header, time.Now())}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") { // and not an HTML page
		start, _ := io.ReadAll(io.LimitReader(body, 1<<10))
		first, _, _ := strings.Cut(strings.TrimSpace(string(start)), "\n")
		e.Text = oneLine(first)
	}
	return e
}

func (h *httpWire) aside() wire {
	own := *h // a redirect changes it
	return &own
}

func (h *httpWire) close() error {
	h.client.CloseIdleConnections()
	return nil
}
