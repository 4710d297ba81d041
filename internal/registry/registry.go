// Package registry checks whether an image exists in its registry.
//
// It makes a HEAD request for the image's manifest and reads nothing else. Credentials are
// those that docker login leaves behind, as the ECR login step does.
package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"k8srepo/internal/httpclient"
	"k8srepo/internal/problem"
)

// Checker looks images up.
type Checker struct {
	Wait     time.Duration     // how long an image may take to appear, requests left aside; 0 does not wait
	Pause    time.Duration     // between two requests; 0 is two seconds
	Progress func(text string) // nil is silence
	CAFile   string            // a PEM file of certificates to trust beside the system's

	Transport http.RoundTripper                                // nil means httpclient.Transport(CAFile)
	Sleep     func(ctx context.Context, d time.Duration) error // nil is real time
}

// Check returns nil where the registry has the image, a refusal where it says that it
// does not, also after Wait; any other error where that is not known. The error is the
// context's where that ends first.
func (c *Checker) Check(ctx context.Context, image string) error {
	_, err := c.Digest(ctx, image)
	return err
}

// Digest returns the digest that a tagged image has in its registry, such as
// sha256:…. Errors are those of Check.
func (c *Checker) Digest(ctx context.Context, image string) (string, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return "", problem.New("", "%s is no image: %v", image, err)
	}
	next := c.Transport
	if next == nil {
		if next, err = httpclient.Transport(c.CAFile); err != nil {
			return "", err
		}
	}
	sleep := c.Sleep
	if sleep == nil {
		sleep = httpclient.Sleep
	}
	for left := c.Wait; ; {
		digest, err := head(ctx, ref, httpclient.WithoutSecretsInClear(next))
		if err == nil {
			return digest, nil
		}
		if ended := ctx.Err(); ended != nil {
			return "", fmt.Errorf("%s: %w", image, ended)
		}
		p := problemOf(image, ref, err)
		if !p.Refused || left <= 0 {
			return "", p
		}
		pause := min(cmp.Or(c.Pause, 2*time.Second), left)
		if c.Progress != nil {
			c.Progress(image + " is not in its registry yet; looking again in " + pause.String())
		}
		if ended := sleep(ctx, pause); ended != nil {
			return "", fmt.Errorf("%s is not in its registry yet: %w", image, ended)
		}
		left -= pause
	}
}

func head(ctx context.Context, ref name.Reference, carrier http.RoundTripper) (digest string, err error) {
	found, err := remote.Head(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithTransport(carrier))
	if err != nil {
		return "", err
	}
	return found.Digest.String(), nil
}

// problemOf returns what an error of the registry means. A registry answers 404 for an
// image that it does not have; for a repository that it hides, some do too.
func problemOf(image string, ref name.Reference, err error) *problem.Problem {
	var answer *transport.Error
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusNotFound:
			return problem.Refuse("push the image first; --wait-image 60s waits for it", "%s is not in its registry", image)
		case http.StatusUnauthorized, http.StatusForbidden:
			return problem.New("log in to "+ref.Context().RegistryStr()+" in a step before this one (docker login)", "%s: the registry does not let us look: %d", image, answer.StatusCode)
		}
		return problem.New("try again later", "%s: the registry answers %d", image, answer.StatusCode)
	}
	return problem.New(cmp.Or(httpclient.Hint(err), "is the registry reachable from here?"), "%s: %v", image, err)
}
