package httpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// These rules decide what is worth trying again. Package github applies them to one request
// of GitHub's API, package deploy to a whole attempt over Git; never both to one failure.

const (
	// MaxUnreachable is how often a server is tried that does not take connections or
	// does not speak TLS. With UnreachableBackoff between, that takes less than ten seconds.
	MaxUnreachable = 3

	maxUnreachableWait = 4 * time.Second

	// maxRetryAfter is more than anybody waits, and little enough to be added to.
	maxRetryAfter = 365 * 24 * time.Hour
)

// IsUnreachable reports whether nothing that speaks the protocol is at the address:
// the connection was refused, there is no way to the host, or the server does not speak
// TLS. It may be starting, so it is tried MaxUnreachable times.
func IsUnreachable(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) || speaksNoTLS(err)
}

// speaksNoTLS reports whether a server answered a TLS handshake with something else.
func speaksNoTLS(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// IsFinal reports whether a request that failed without an answer would fail again: a
// certificate that is not trusted, a host that does not exist, a redirect that is not
// followed, credentials that would go in clear.
func IsFinal(err error) bool {
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	return errors.As(err, &certificate) || errors.As(err, &dns) && dns.IsNotFound ||
		errors.Is(err, ErrRedirect) || errors.Is(err, ErrInClear)
}

// IsUnsent reports whether a request that failed was never sent.
func IsUnsent(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// Hint returns what to do about a failed request; "" where there is nothing to say.
func Hint(err error) string {
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	switch {
	case errors.As(err, &certificate):
		return "if the server has a certificate of your own authority, give its file with --ca-file"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "check the host's name"
	case speaksNoTLS(err):
		return "the server does not speak TLS: check the port, or write http:// if that is meant"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check the host and the port"
	case errors.Is(err, ErrInClear):
		return "use https"
	}
	return ""
}

// Unwrapped returns what failed, without the method and URL that net/http puts before it.
func Unwrapped(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// RetryAfter reads the header of RFC 9110, section 10.2.3, seconds or a date; 0 if there
// is none, at most a year. Dates are compared with the server's own Date, else with now.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(0, date.Sub(ServerTime(h, now))), maxRetryAfter)
	}
	return 0
}

// ServerTime returns the server's clock, or now where it does not say.
func ServerTime(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

// Backoff returns how long to wait after an attempt, counted from 1: a time that doubles
// from first up to longest, the latter half of it random.
func Backoff(attempt int, first, longest time.Duration) time.Duration {
	limit := min(longest, first<<min(attempt-1, 16))
	return limit/2 + rand.N(limit/2)
}

// UnreachableBackoff returns how long to wait after an attempt to reach a server that
// IsUnreachable. The waits between MaxUnreachable attempts are less than ten seconds together.
func UnreachableBackoff(attempt int) time.Duration {
	return Backoff(attempt, maxUnreachableWait/4, maxUnreachableWait)
}

// Sleep waits, or returns the context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
