package problem

import (
	"strings"

	"k8srepo/internal/lazyregexp"
)

// credential is the part of a URL that holds a user's name, and mostly a password
// or a token: https://user:token@host/.
var credential = lazyregexp.New(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@"'\x60]+@`)

// HasCredential reports whether a text has a URL with a user's name or password.
func HasCredential(text string) bool {
	return strings.Contains(text, "://") && credential.MatchString(text)
}

// withoutCredentials returns a text whose URLs have no user's names and passwords.
func withoutCredentials(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return credential.ReplaceAllString(text, "${1}…@")
}
