// Package gitrepo reads the tip of a branch and commits on it over Git's protocol,
// without a clone.
//
// A bump changes a few lines in a repository of tens of thousands of files.
// Cloning that repository costs seconds and hundreds of megabytes; this package
// fetches what the change needs and nothing else, keeps it in memory, and
// pushes one compare-and-swap:
//
//	remote, err := gitrepo.Open(url, gitrepo.Options{Token: token})
//	tip, err := remote.TipToPush(ctx, "main")
//	err = tip.Fetch(ctx, "users.yaml", "dev/manifests/api")
//	files := tip.FS(ctx)                   // an fs.FS, as a folder on disk is
//	commit, err := tip.Prepare(ctx, changes, meta)
//	err = remote.Push(ctx, "main", tip.Hash, commit)
//
// There is no working tree, no history and no clone on disk. Where the server
// can filter, a tip costs two requests and every level of folders below it one
// more; where it cannot, the tip is fetched whole, without its history, and
// nothing else is different. What has come down is kept: after a lost race the next
// tip costs two requests, with all folders that are new. Push replaces the branch only
// if it still is at the commit that was read: see PushError for what can become of it.
package gitrepo

import (
	"cmp"
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/memory"

	"k8srepo/internal/httpclient"
	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
)

// Hash is the SHA-1 name of a Git object. The zero Hash names none.
type Hash = plumbing.Hash

// ParseHash reads a full hash in hexadecimal; ok is false for anything else.
func ParseHash(s string) (h Hash, ok bool) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(h) {
		return h, false
	}
	return Hash(raw), true
}

// Options are the ways to reach a repository. The zero value reaches a public
// one over https, and a local one.
type Options struct {
	// Token is sent as basic authentication (user x-access-token) to the host
	// that the URL names, on https, and on http to the machine itself; nowhere
	// else, wherever the server redirects to.
	Token string

	// SSHKey is a private key without a passphrase, in PEM. SSHAgent is the
	// path of an agent's socket, as SSH_AUTH_SOCK has it.
	SSHKey   []byte
	SSHAgent string
	// KnownHosts are the files that the server's SSH host key must be found in.
	// Files that do not exist are passed over.
	KnownHosts []string

	// CAFile is a PEM file of certificates to trust beside the system's.
	CAFile string
	// UserAgent is what the server's log shows; "" is go-git's.
	UserAgent string
	// IdleTimeout ends a request in which the server has been silent for that
	// long, apart from the context's own deadline; 0 means a minute.
	IdleTimeout time.Duration

	// AfterFunc starts the timer of IdleTimeout; nil is httpclient.AfterFunc.
	AfterFunc func(d time.Duration, f func()) httpclient.Timer

	// Transport carries HTTP; nil means one like http.DefaultTransport, which
	// takes its proxies from the environment. CAFile does not apply to it.
	Transport http.RoundTripper
}

// Remote is a repository that a URL names. It belongs to one goroutine at a
// time, and so do its tips.
type Remote struct {
	url     string // as it was given: it holds no secret
	scheme  string // of url: file for a path on disk
	wire    wire
	agent   string
	secrets []string // never to be shown
	mode    mode
	base    Hash            // a tip that has been fetched in that mode; zero if none
	store   *memory.Storage // every object that has come down, for all tips
	trees   map[Hash]*tree  // those of store that have been read
	large   map[Hash]bool   // objects that have come down and were left out: they are over limit.MaxFile
	leftOut bool            // some were
	bounds  bounds

	offer    *capability.List    // what the server can do for who reads; nil until it was asked
	home     string              // its default branch; "" where it has none
	early    chan *packp.AdvRefs // the references to push to, asked for by TipToPush; nil if nothing
	receives bool                // they have been listed once
}

// bounds are what one answer of the server, and one commit, may take.
type bounds struct {
	pack, answer int64 // bytes
	entries      int   // of folders
}

// Open makes a Remote of an https, http, ssh or file URL, of user@host:path, or
// of a path on disk. It asks the server nothing. URLs that hold a secret are
// refused, since URLs end up in logs.
func Open(rawURL string, o Options) (*Remote, error) {
	r := &Remote{
		url:    rawURL,
		agent:  cmp.Or(o.UserAgent, capability.DefaultAgent()),
		store:  memory.NewStorage(),
		trees:  map[Hash]*tree{},
		bounds: bounds{limit.MaxPack, limit.MaxAnswer, limit.MaxEntries},
	}
	if o.Token != "" {
		r.secrets = []string{o.Token, basicAuth(o.Token)}
	}
	o.IdleTimeout = cmp.Or(o.IdleTimeout, time.Minute)
	if o.AfterFunc == nil {
		o.AfterFunc = httpclient.AfterFunc
	}
	where, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	r.scheme = where.Scheme
	switch r.scheme {
	case "http", "https":
		if o.Token != "" && !httpclient.MayCarrySecrets(where) {
			return nil, problem.New("use https, or leave the token out", "%s: a token is not sent over plain http", rawURL)
		}
		r.wire, err = newHTTPWire(where, r.agent, o)
	case "ssh":
		r.wire, err = newSSHWire(where, o)
	case "file":
		r.wire = newFileWire(where, o)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// URL returns the URL that the Remote was opened with. It holds no secret.
func (r *Remote) URL() string { return r.url }

// Close ends the connection to the server, where one is kept.
func (r *Remote) Close() error { return r.wire.close() }

// Branches returns every branch and the commit it is at, in one request. An empty
// repository has none.
func (r *Remote) Branches(ctx context.Context) (map[string]Hash, error) {
	refs, err := r.readable(ctx)
	if err != nil {
		return nil, err
	}
	branches := map[string]Hash{}
	for name, hash := range refs.References {
		if branch, ok := strings.CutPrefix(name, branchPrefix); ok {
			branches[branch] = hash
		}
	}
	return branches, nil
}

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

// CheckURL refuses what is no URL of a repository, or holds a secret.
func CheckURL(rawURL string) error {
	_, err := parseURL(rawURL)
	return err
}

// parseURL returns where a repository is: see Open for the forms.
func parseURL(raw string) (*url.URL, error) {
	const forms = "write https://host/owner/repo.git, ssh://git@host/owner/repo.git, git@host:owner/repo.git or a path"
	scheme, _, hasScheme := strings.Cut(raw, "://")
	if !hasScheme {
		return parseScpOrPath(raw, forms)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, problem.New(forms, "the repository's URL cannot be read") // err would show it, secrets and all
	}
	switch u.Scheme {
	case "https", "http", "ssh", "file":
	default:
		return nil, problem.New(forms, "repositories are not reached over %q", scheme)
	}
	if _, has := u.User.Password(); has || (u.User != nil && u.Scheme != "ssh") || u.RawQuery != "" || u.Fragment != "" {
		return nil, problem.New("take it out of the URL, and give the token on its own",
			"the URL of %s holds more than a place, and may hold a secret", cmp.Or(u.Host, "the repository"))
	}
	switch {
	case u.Scheme == "file" && u.Host != "" && u.Host != "localhost":
		return nil, problem.New(forms, "%s: a file URL has no host", raw)
	case u.Scheme != "file" && u.Hostname() == "":
		return nil, problem.New(forms, "%s: the host is missing", raw)
	case strings.Trim(u.Path, "/") == "":
		return nil, problem.New(forms, "%s: the repository's path is missing", raw)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawPath = "" // escaped again, canonically
	if u.Scheme == "ssh" && strings.HasPrefix(u.Path, "/~") {
		u.Path = u.Path[1:] // ssh://host/~user/repo is relative to a home
	}
	return u, nil
}

// parseScpOrPath reads user@host:path, which is SSH, and paths on disk. As in
// Git, a slash before the first colon makes it a path, and so does a drive on Windows.
func parseScpOrPath(raw, forms string) (*url.URL, error) {
	host, path, colon := strings.Cut(raw, ":")
	if !colon || strings.Contains(host, "/") || filepath.VolumeName(raw) != "" {
		if raw == "" {
			return nil, problem.New(forms, "no repository is given")
		}
		abs, err := filepath.Abs(raw)
		if err != nil {
			return nil, err
		}
		return &url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}, nil
	}
	u := &url.URL{Scheme: "ssh", Host: host, Path: path}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		u.User, u.Host = url.User(host[:at]), host[at+1:]
	}
	if u.Host == "" || strings.HasPrefix(u.Host, "[") || path == "" || strings.HasPrefix(path, "-") || strings.HasPrefix(u.Host, "-") {
		return nil, problem.New(forms, "the repository's URL cannot be read")
	}
	return u, nil
}
