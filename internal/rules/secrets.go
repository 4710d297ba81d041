package rules

import (
	"encoding/base64"
	"slices"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

var clearSecret = &Rule{
	Code:  "MG651",
	Title: "a Secret with its values in clear",
	Reason: "A Secret in the repository shows its values to everybody who can read it, for as long as its history is kept; base64 hides nothing. Write an ExternalSecret, which names the value\n" +
		"in AWS Secrets Manager, or a SealedSecret; a file that SOPS has encrypted is left out. What was committed once must be changed where it is used.",
	Source: "https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
	Wrong: `apiVersion: v1
kind: Secret
metadata: {name: api}
stringData: {DATABASE_PASSWORD: correct horse battery staple}`,
	Mend: []string{"apiVersion: v1\nkind: Secret", "apiVersion: external-secrets.io/v1\nkind: ExternalSecret",
		"stringData: {DATABASE_PASSWORD: correct horse battery staple}", `spec:
  secretStoreRef: {kind: ClusterSecretStore, name: secrets-manager}
  data: [{secretKey: DATABASE_PASSWORD, remoteRef: {key: api/database-password}}]
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: secrets-manager}
spec: {provider: {aws: {service: SecretsManager, region: eu-west-1}}}`},
	object: func(r *reading) {
		if kindOf(r.o.facts) != "Secret" || r.isEncrypted() {
			return
		}
		if key := r.secretKey(); key.Text != "" {
			f := r.add(key.Place, "the Secret has the value of %q in clear", key.Text)
			f.hint, f.hidden = "write an ExternalSecret, and keep the value in a secret store", true
		}
	},
}

// secretKey returns a key of a Secret whose value is a secret in clear; the zero Value if there is
// none. Of several, one that is named as secrets are comes first.
func (r *reading) secretKey() manifest.Value {
	var found manifest.Value
	for _, field := range []string{"data", "stringData"} {
		for _, f := range r.v.At(field).Fields {
			value := f.Value.Text
			if field == "data" {
				decoded, err := base64.StdEncoding.DecodeString(value)
				if err != nil {
					continue // a placeholder, or refused
				}
				value = string(decoded)
			}
			switch {
			case isHarmless(f.Key.Text, value):
			case secretKeyName.MatchString(f.Key.Text):
				return f.Key
			case found.Text == "":
				found = f.Key
			}
		}
	}
	return found
}

// isEncrypted reports whether the values of a Secret are not those that pods get: SOPS encrypted
// them, or another tool replaces them.
func (r *reading) isEncrypted() bool {
	if _, sops := r.v.Get("sops"); sops {
		return true
	}
	for _, f := range r.annotations.Fields {
		if strings.HasPrefix(f.Key.Text, "avp.kubernetes.io/") || strings.Contains(f.Key.Text, "kubeseal") || strings.Contains(f.Key.Text, "vault") {
			return true
		}
	}
	return false
}

var (
	// secretKeyName matches the keys of secrets, and plainKeyName the keys of settings that are not
	// secret. Some controllers read their settings from a Secret.
	secretKeyName = lazyregexp.New(`(?i)(password|passwd|passphrase|secret|token|key|credential|auth|dsn)[0-9]*$`)
	plainKeyName  = lazyregexp.New(`(?i)(^|[._-])(type|name|project|server|namespaces?|enableOCI|insecure|database|dbname|region|((ca|tls)\.)?(crt|cert))$|(user|name|address|host|hostname|url|uri|endpoint|port|email)$`)
	settingsFile  = lazyregexp.New(`\.(properties|ya?ml|json|conf|cfg|ini|toml|xml)$`)
	plainPath     = lazyregexp.New(`^/[A-Za-z0-9._/-]*$`)
	// secretEntry is an entry of a file of settings that holds a secret.
	secretEntry = lazyregexp.New(`(?im)(password|passwd|secret|token|api_?key|private_?key|credentials?)["']?[ \t]*[:=][ \t]*["']?([^\s"'#]{4,})`)
)

// isHarmless reports whether clearSecret has nothing to say of a value of a Secret: somebody
// replaces it, its key is that of a setting, it is a file of settings without a secret in it, or
// another rule reports it.
func isHarmless(key, value string) bool {
	if isFiller(value) || strings.HasPrefix(value, "ENC[") || strings.HasPrefix(value, "-----BEGIN CERTIFICATE") {
		return true
	}
	if what, _ := findCredential(value); what != "" {
		return true // another rule says so
	}
	if strings.Contains(strings.TrimSpace(value), "\n") || settingsFile.MatchString(key) {
		return !slices.ContainsFunc(secretEntry.FindAllStringSubmatch(value, -1), func(m []string) bool { return !isFiller(m[2]) })
	}
	if plainKeyName.MatchString(key) || strings.Contains(value, "://") || value == key {
		return true
	}
	return !secretKeyName.MatchString(key) && (plainPath.MatchString(value) || strings.Contains(value, "example"))
}

var filler = lazyregexp.New(`(?i)^(x+|\*+|\.+|…|(your|my|the|some|a)?[-_ ]?(change[-_ ]?me|replace[-_ ]?me|todo|tbd|redacted|example|foo|bar|baz|placeholder|dummy|fake|test|secret|password|pass|passwd|token|key)([-_ ]?here)?[0-9]*|true|false|yes|no|on|off|null|none)$`)

// isFiller reports whether a value is none yet: somebody, or another tool, replaces it.
func isFiller(value string) bool {
	value = strings.TrimSpace(value)
	return value == "" || isPlaceholder(value) && len(value) < 200 || filler.MatchString(value) || plainWords.MatchString(value) && secretWord.MatchString(value)
}

// A value that consists of plain words, one of which names a secret, describes a secret and is
// none: "personal github token", UPDATE_ACCESS_KEY.
var (
	plainWords = lazyregexp.New(`^[A-Za-z]+([-_. ][A-Za-z]+)*$`)
	secretWord = lazyregexp.New(`(?i)password|passwd|secret|token|key|change|replace|update|example|placeholder|dummy|sample|your`)
)

var credential = &Rule{
	Code:  "MG652",
	Title: "a credential in clear",
	Error: true,
	Reason: "A value looks like a credential: a key of AWS, a token of GitHub, GitLab, Slack, npm, Stripe or Google, a private key, a URL with a password. Everybody who can read the repository has it, for\n" +
		"as long as its history is kept. Revoke it, and take it from a secret store. The line is not shown.",
	Source: "https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns",
	Wrong: `apiVersion: v1
kind: ConfigMap
metadata: {name: api}
data: {DATABASE_URL: "postgres://api:hVb3xq91@db.example.com/api"}`,
	Mend: []string{":hVb3xq91@", "@"},
	object: func(r *reading) {
		reported := 0
		r.eachString(func(key string, v manifest.Value) {
			value := v.Text
			if r.o.Kind == "Secret" {
				if decoded, err := base64.StdEncoding.DecodeString(value); err == nil {
					value = string(decoded)
				}
			}
			what, at := findCredential(value)
			if what == "" || reported == maxCredentials {
				return
			}
			reported++
			place := v.Place
			// In a block of text, the line that has it.
			if lines := strings.Count(value[:at], "\n"); lines > 0 && value == v.Text {
				place = problem.Place{File: place.File, Line: place.Line + 1 + lines}
			}
			f := r.add(place, "%q holds "+what, key)
			f.hidden, f.hint = true, "revoke it, and take it from a secret store: an ExternalSecret"
		})
	},
}

// maxCredentials is how many are reported of one object.
const maxCredentials = 5

// eachString calls use for every string of an object, with the key that it is below.
func (r *reading) eachString(use func(key string, v manifest.Value)) {
	var walk func(key string, v manifest.Value)
	walk = func(key string, v manifest.Value) {
		for _, f := range v.Fields {
			walk(f.Key.Text, f.Value)
		}
		for _, item := range v.Items {
			walk(key, item)
		}
		if v.Kind == manifest.String {
			use(key, v)
		}
	}
	walk("", r.v)
}

// patterns of credentials; hint is a part that must be there, so that most values cost one search.
var patterns = []struct {
	what, hint string
	pattern    *lazyregexp.Regexp
}{
	{"an access key of AWS", "AKIA", lazyregexp.New(`\bAKIA[A-Z0-9]{16}\b`)},
	{"an access key of AWS", "ASIA", lazyregexp.New(`\bASIA[A-Z0-9]{16}\b`)},
	{"a token of GitHub", "gh", lazyregexp.New(`\bgh[pousr]_[A-Za-z0-9]{36,}\b`)},
	{"a token of GitHub", "github_pat_", lazyregexp.New(`\bgithub_pat_[A-Za-z0-9_]{60,}\b`)},
	{"a token of GitLab", "glpat-", lazyregexp.New(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"a token of Slack", "xox", lazyregexp.New(`\bxox[abprs]-[A-Za-z0-9-]{20,}`)},
	{"a webhook of Slack", "hooks.slack.com", lazyregexp.New(`hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}`)},
	{"a key of Google", "AIza", lazyregexp.New(`\bAIza[A-Za-z0-9_-]{35}\b`)},
	{"a token of npm", "npm_", lazyregexp.New(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"a key of Stripe", "_live_", lazyregexp.New(`\b[sr]k_live_[A-Za-z0-9]{20,}\b`)},
	{"a private key", "PRIVATE KEY", lazyregexp.New(`-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----\s*(\\n)?\s*[A-Za-z0-9+/=]{16}`)},
	{"a URL with a password", "://", lazyregexp.New(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>{}$%*]*:([^\s/:@"'<>{}$*]+)@[^\s/"']`)},
}

// findCredential returns what sort of credential is in a text, and where; "" if none.
func findCredential(s string) (what string, at int) {
	for _, p := range patterns {
		if !strings.Contains(s, p.hint) {
			continue
		}
		for _, m := range p.pattern.FindAllStringSubmatchIndex(s, -1) {
			found := s[m[0]:m[1]]
			if strings.Contains(found, "EXAMPLE") || strings.Contains(strings.ToLower(found), "xxxx") {
				continue // AKIAIOSFODNN7EXAMPLE
			}
			if p.hint == "://" && isFiller(s[m[2]:m[3]]) {
				continue
			}
			return p.what, m[0]
		}
	}
	return "", 0
}

var clearVariable = &Rule{
	Code:  "MG653",
	Title: "an environment variable with a secret in clear",
	Reason: "The name of an environment variable ends as those of secrets do, and its value is written out. It is in the repository's history, and in `kubectl describe`. Take it from a Secret, with\n" +
		"`valueFrom: {secretKeyRef: …}`, that an ExternalSecret makes.",
	Source: "https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
	Wrong:  podExample("          env: [{name: DATABASE_PASSWORD, value: hVb3xq91}]\n"),
	Mend:   []string{"value: hVb3xq91", "valueFrom: {secretKeyRef: {name: api, key: password, optional: true}}"},
	object: func(r *reading) {
		for _, c := range r.containers() {
			for _, env := range c.v.At("env").Items {
				name, value := env.At("name").Text, env.At("value")
				if !secretName.MatchString(name) && !(maybeSecret.MatchString(name) && isRandom(value.Text)) || isFiller(value.Text) || isPublic(value.Text) {
					continue
				}
				if what, _ := findCredential(value.Text); what != "" {
					continue // another rule says so
				}
				f := r.add(value.Place, "the environment variable %q has its value in clear", name)
				f.hidden, f.hint = true, "take it from a Secret: valueFrom: {secretKeyRef: …}"
			}
		}
	},
}

var (
	secretName  = lazyregexp.New(`(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET_KEY|API_KEY|APIKEY|PRIVATE_KEY|ENCRYPTION_KEY)$`)
	maybeSecret = lazyregexp.New(`(^|_)(SECRET|TOKEN|ACCESS_KEY|SIGNING_KEY)$`) // or a name of one
	publicText  = lazyregexp.New(`^(/|\./|https?://|[0-9]{1,4}$|[0-9]+[smhd]$)`)
)

// isRandom reports whether a value is no word: a name would be.
func isRandom(value string) bool {
	return len(value) >= 8 && strings.ContainsAny(value, "0123456789") && strings.ContainsAny(strings.ToLower(value), "abcdefghijklmnopqrstuvwxyz")
}

// isPublic reports whether a value is the path, address or length of a secret rather than one.
func isPublic(value string) bool {
	return publicText.MatchString(value) || strings.Contains(value, "://")
}
