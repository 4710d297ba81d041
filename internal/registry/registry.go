// Package registry is whether an image is in its registry.
//
// It asks for the manifest's head and reads nothing else. Credentials are those
// that docker login leaves behind, as the ECR login step does.
package registry

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"k8srepo/internal/problem"
)

// Checker looks images up.
type Checker struct {
	Wait      time.Duration         // how long an image may take to appear; 0 does not wait
	Pause     time.Duration         // between two looks; 0 is two seconds
	Tell      func(progress string) // nil is silence
	Transport http.RoundTripper     // nil is the default one
}

// Check is nil where the registry has the image, a refusal where it says that it
// does not, also after Wait; any other error where it cannot be told.
func (c *Checker) Check(ctx context.Context, image string) error {
	ref, err := name.ParseReference(image)
	if err != nil {
		return problem.New("", "%s is no image: %v", image, err)
	}
	pause := c.Pause
	if pause == 0 {
		pause = 2 * time.Second
	}
	for end := time.Now().Add(c.Wait); ; {
		err := c.head(ctx, ref)
		if err == nil {
			return nil
		}
		refused := c.refusal(image, ref, err)
		if !refused.Refused || time.Now().Add(pause).After(end) {
			return refused
		}
		if c.Tell != nil {
			c.Tell(image + " is not in its registry yet; looking again in " + pause.String())
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return refused
		}
	}
}

func (c *Checker) head(ctx context.Context, ref name.Reference) error {
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if c.Transport != nil {
		options = append(options, remote.WithTransport(c.Transport))
	}
	_, err := remote.Head(ref, options...)
	return err
}

// refusal is what an error of the registry means. A registry answers 404 for an
// image that it does not have; for a repository that it hides, some do too.
func (c *Checker) refusal(image string, ref name.Reference, err error) *problem.Problem {
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
	return problem.New("is the registry reachable from here?", "%s: %v", image, err)
}
