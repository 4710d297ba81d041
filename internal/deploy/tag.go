package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"k8srepo/internal/gitrepo"
)

// The lengths of a commit's hash in an image's tag, and as Git has it.
const (
	minHash = 7
	maxHash = 40
)

// hashesIn returns what may be a commit's hash in a tag, perhaps shortened, each once: 7
// to 40 hexadecimal digits between characters that are no letters, as the 9f2c1ab of
// main-9f2c1ab-1712.
func hashesIn(tag string) []string {
	var hashes []string
	for _, at := range hashPlaces(tag) {
		if hash := tag[at[0]:at[1]]; !slices.Contains(hashes, hash) {
			hashes = append(hashes, hash)
		}
	}
	return hashes
}

// hashPlaces returns where hashesIn finds them: from, to.
func hashPlaces(tag string) [][2]int {
	var places [][2]int
	for from := 0; from < len(tag); from++ {
		to := from
		for to < len(tag) && isHex(tag[to]) {
			to++
		}
		before, after := from > 0 && isLetter(tag[from-1]), to < len(tag) && isLetter(tag[to])
		if n := to - from; n >= minHash && n <= maxHash && !before && !after {
			places = append(places, [2]int{from, to})
		}
		from = max(from, to)
	}
	return places
}

func isHex(c byte) bool    { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// hashOf returns the hash that a tag is, perhaps with the sha- before it that
// docker/metadata-action puts there; "" where the tag is more than that.
func hashOf(tag string) string {
	hash := strings.TrimPrefix(tag, "sha-")
	if found := hashesIn(tag); len(found) == 1 && found[0] == hash {
		return hash
	}
	return ""
}

// CommitOf returns the hash that a tag names a commit by, perhaps shortened; "" where it
// has none, or several that may be it.
func CommitOf(tag string) string {
	if found := hashesIn(tag); len(found) == 1 {
		return found[0]
	}
	return ""
}

// finder finds the commits of a service's repository. Each method returns the full hash, ""
// where there is no such commit. Where a shortened hash is of several, the error is
// gitrepo.ErrAmbiguous, if the repository can tell that from none: GitHub's API cannot.
type finder interface {
	byHash(ctx context.Context, hash string) (string, error)
	byTag(ctx context.Context, name string) (string, error)
}

// found is the commit that an image's tag names in a repository.
type found struct {
	hash string // "" where the repository knows none
	two  bool   // it knows several
}

func (f found) isOne() bool { return f.hash != "" && !f.two }

// commitIn finds the commit that a tag names: of the hashes in it, and the Git tag of its
// name, the one that the repository knows.
func commitIn(ctx context.Context, repository finder, tag string) (found, error) {
	var f found
	add := func(hash string, err error) error {
		if errors.Is(err, gitrepo.ErrAmbiguous) {
			f.two = true
			return nil
		}
		f.two = f.two || f.hash != "" && hash != "" && hash != f.hash
		if hash != "" {
			f.hash = hash
		}
		return err
	}
	if tag == "" {
		return f, nil
	}
	for _, hash := range hashesIn(tag) {
		if err := add(repository.byHash(ctx, hash)); err != nil {
			return f, err
		}
	}
	return f, add(repository.byTag(ctx, tag))
}
