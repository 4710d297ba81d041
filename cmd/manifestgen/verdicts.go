package main

import (
	"bytes"
	"crypto/sha256"
	"path"
	"strings"
	"sync"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/render"
	"k8srepo/internal/rules"
	"k8srepo/internal/validate"
)

// verdicts remembers texts, so that thousands of users who share a template are validated and
// parsed once for each way in which their manifests differ.
//
// Two texts share a verdict if they differ in the user's name alone, in each place where it stands,
// and the names have one shape: letters, digits and hyphens in the same places. The verdict must be
// that of a meaningless name of that shape too, so no name is taken for a word of Kubernetes; that
// one is validated when the second user comes. What is refused or warned of is validated each time.
type verdicts struct {
	lock  sync.Mutex
	known map[textKey]*knownText
}

// remembered are the verdicts of the process that depend on no definition of the source folder.
// Whatever renders again, as init does after its rehearsal, validates what differs alone.
var remembered verdicts

// verdictsWith returns the verdicts that a run adds to: the process's, or new ones if it has
// definitions of its own.
func verdictsWith(definitions *validate.Definitions) *verdicts {
	if definitions.Added() {
		return &verdicts{}
	}
	return &remembered
}

// knownText is what is known of a text.
type knownText struct {
	taken   bool            // it is valid, without a warning
	user    string          // whose name it has
	objects []*rules.Object // nil where nothing asked for them

	once        sync.Once
	meaningless bool // with another name it is valid too; set once
}

// isTakenFor reports whether a text of the same key is valid, without a warning, for another user; v
// validates it with a meaningless name.
func (k *knownText) isTakenFor(text userText, user string, v func(text []byte) (taken bool)) bool {
	if !k.taken || user == k.user {
		return k.taken
	}
	k.once.Do(func() { k.meaningless = text.shape == "" || v(text.meaningless()) })
	return k.meaningless
}

type textKey [sha256.Size]byte

// maxVerdicts is how many texts are remembered.
const maxVerdicts = 100_000

var (
	plainName = lazyregexp.New(`^[a-z][a-z0-9]{2,}(-[a-z0-9]+)*$`)
	// reserved are the names with a meaning to YAML or to Kubernetes.
	reserved = lazyregexp.New(`^(yes|off|true|false|null|default|localhost|kube.*|k8s.*)$`)
)

// userText is what the texts that share a verdict have in common.
type userText struct {
	key   textKey
	named string // the text, with NUL for the user's name
	shape string // a name of the same shape; "" where the text has no user's name in it
}

// meaningless returns the text with a name that means nothing.
func (t userText) meaningless() []byte { return []byte(strings.ReplaceAll(t.named, "\x00", t.shape)) }

// newUserText returns what a text has in common with others; context is what else its verdict
// depends on.
func newUserText(text []byte, context, user string) userText {
	if !plainName.MatchString(user) || reserved.MatchString(user) || !bytes.Contains(text, []byte(user)) {
		return userText{key: sha256.Sum256([]byte("\x00" + context + "\x00" + string(text)))}
	}
	shape := strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return r
		case r <= '9':
			return '7'
		}
		return 'q'
	}, user)
	named := strings.ReplaceAll(string(text), user, "\x00") // NUL stands in no manifest
	return userText{sha256.Sum256([]byte(shape + "\x00" + context + "\x00" + named)), named, shape}
}

// of returns what is known of the texts with a key, nil for nothing.
func (v *verdicts) of(key textKey) *knownText {
	v.lock.Lock()
	defer v.lock.Unlock()
	return v.known[key]
}

func (v *verdicts) remember(key textKey, known *knownText) {
	v.lock.Lock()
	defer v.lock.Unlock()
	if v.known == nil {
		v.known = map[textKey]*knownText{}
	}
	if len(v.known) < maxVerdicts {
		v.known[key] = known
	}
}

// userOf returns the user that a manifest is for, "" for none: the second part of its subject, in
// the scopes of users.
func userOf(m *render.Manifest) string {
	parts := strings.Split(m.Subject, ", ")
	if scope := path.Base(path.Dir(m.Template)); !strings.HasPrefix(scope, "user") || len(parts) < 2 {
		return ""
	}
	return parts[1]
}
