// Package image parses and compares image references: what a container's image field says.
//
// A Ref keeps the text that it was parsed from, so that changing its tag changes nothing
// else. Two references are of one repository when their canonical names are equal, which
// are Docker's: nginx is docker.io/library/nginx, and example/api is neither api nor
// localhost:5000/example/api.
package image

import (
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// Ref is a reference as it was written: Name[:Tag][@Digest].
type Ref struct {
	Name   string // the repository as written, such as nginx or 123.dkr.ecr.us-east-1.amazonaws.com/api
	Tag    string // "" where there is none
	Digest string // such as sha256:…; "" where there is none

	repository string // see Repository
}

// Parse reads a reference by the distribution project's grammar. The Ref does not keep
// s, which may be a part of a long text.
func Parse(s string) (Ref, error) {
	s = strings.Clone(s)
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return Ref{}, fmt.Errorf("%q is no image reference: %w", s, unprefixed(err))
	}
	r := Ref{Name: s, repository: named.Name()}
	if digested, ok := named.(reference.Digested); ok {
		r.Digest = digested.Digest().String()
		r.Name = strings.TrimSuffix(r.Name, "@"+r.Digest)
	}
	if tagged, ok := named.(reference.Tagged); ok {
		r.Tag = tagged.Tag()
		r.Name = strings.TrimSuffix(r.Name, ":"+r.Tag)
	}
	return r, nil
}

// ParseRepository reads a reference that has neither tag nor digest.
func ParseRepository(s string) (Ref, error) {
	r, err := Parse(s)
	if err != nil {
		return Ref{}, err
	}
	if r.Tag != "" || r.Digest != "" {
		return Ref{}, fmt.Errorf("%q has a tag or a digest, where only a repository belongs: write %s", s, r.Name)
	}
	return r, nil
}

// ValidTag reports whether s can be a tag.
func ValidTag(s string) bool {
	named, err := reference.WithName("a")
	if err != nil {
		return false
	}
	_, err = reference.WithTag(named, s)
	return err == nil
}

// ValidDigest reports whether s can be a digest, such as sha256:… with 64 hexadecimal digits.
func ValidDigest(s string) bool {
	r, err := Parse("a@" + s)
	return err == nil && r.Digest == s
}

// SplitTag reads a tag that may have a digest behind it, TAG@DIGEST, as a chart's
// values hold it; ok is false where s is neither. An empty tag before a digest is
// none. The results do not keep s.
func SplitTag(s string) (tag, digest string, ok bool) {
	s = strings.Clone(s)
	tag, digest, pinned := strings.Cut(s, "@")
	if pinned && !ValidDigest(digest) || !ValidTag(tag) && !(pinned && tag == "") {
		return "", "", false
	}
	return tag, digest, true
}

// Repository returns the canonical name, such as docker.io/library/nginx. References
// are of one repository when it is equal.
func (r Ref) Repository() string { return r.repository }

// Familiar returns the shortest name that means the repository: nginx for
// docker.io/library/nginx.
func (r Ref) Familiar() string {
	named, err := reference.ParseNormalizedNamed(r.repository)
	if err != nil {
		return r.repository
	}
	return reference.FamiliarName(named)
}

// Base returns the last element of the repository's path: api for example.com/team/api.
func (r Ref) Base() string {
	return r.repository[strings.LastIndexByte(r.repository, '/')+1:]
}

// WithRegistry returns a repository on another registry host: example.com/team/api
// becomes host/team/api, and nginx, which names no host, host/nginx. The first element is
// a host by the rule of the distribution project: it has a dot, a port or a capital
// letter, or is localhost.
func WithRegistry(repository, host string) string {
	first, rest, below := strings.Cut(repository, "/")
	if below && (strings.ContainsAny(first, ".:") || first == "localhost" || strings.ToLower(first) != first) {
		return host + "/" + rest
	}
	return host + "/" + repository
}

// Suffix returns what follows the name: ":tag", "@digest", both or nothing.
func (r Ref) Suffix() string {
	s := ""
	if r.Tag != "" {
		s = ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// TagOrDigest returns which version a reference names, for people: the tag, else the
// digest, else "(none)".
func (r Ref) TagOrDigest() string {
	switch {
	case r.Tag != "":
		return r.Tag
	case r.Digest != "":
		return r.Digest
	}
	return "(none)"
}

// String returns the reference as it was written.
func (r Ref) String() string { return r.Name + r.Suffix() }

// With returns the reference with another tag and digest; an empty string is none.
func (r Ref) With(tag, digest string) Ref {
	r.Tag, r.Digest = tag, digest
	return r
}

// unprefixed returns err without the words "invalid reference format", which Parse's own
// message says already.
func unprefixed(err error) error {
	if err == reference.ErrReferenceInvalidFormat { // itself: one that wraps it says more
		return errors.New("a repository is lower case, such as example.com/team/api, then :tag or @sha256:…")
	}
	return errors.New(strings.TrimPrefix(err.Error(), reference.ErrReferenceInvalidFormat.Error()+": "))
}
