package gitrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"k8srepo/internal/problem"
)

var errSSHLogin = errors.New("the ssh server takes none of the keys")

// sshDialer opens one connection, on which every request is a session.
type sshDialer struct {
	address string // host:port
	path    string // of the repository
	config  ssh.ClientConfig
	socket  string // the agent's, or ""
	client  *ssh.Client
}

func newSSHWire(where *url.URL, o Options) (wire, error) {
	d := &sshDialer{
		address: net.JoinHostPort(where.Hostname(), cmp.Or(where.Port(), "22")),
		path:    where.Path,
		socket:  o.SSHAgent,
	}
	d.config.User = cmp.Or(where.User.Username(), "git")
	switch {
	case len(o.SSHKey) > 0:
		key, err := parseKey(o.SSHKey)
		if err != nil {
			return nil, err
		}
		d.config.Auth = []ssh.AuthMethod{ssh.PublicKeys(key)}
		d.socket = ""
	case o.SSHAgent == "":
		return nil, problem.New("give a key with --ssh-key, or start an agent", "%s: no ssh key to log in with", where.Host)
	}
	if err := d.knowHosts(o.KnownHosts); err != nil {
		return nil, err
	}
	return &streamWire{patience: o.patience(), start: d.start, stop: d.hangUp}, nil
}

// parseKey reads a private key that has no passphrase.
func parseKey(pem []byte) (ssh.Signer, error) {
	key, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, problem.New("add it to an agent, or take a key without one", "the ssh key has a passphrase")
	case err != nil:
		return nil, problem.New("give a private key as ssh-keygen writes it", "the ssh key cannot be read") // err may show of it
	}
	return key, nil
}

// knowHosts makes the configuration accept the keys in files, and ask for keys
// of the kinds that are there for the host.
func (d *sshDialer) knowHosts(files []string) error {
	var there []string
	for _, file := range files {
		if _, err := os.Stat(file); err == nil {
			there = append(there, file)
		}
	}
	if len(there) == 0 {
		return problem.New(scanHint(d.address), "no known_hosts file to check the ssh server's key with")
	}
	known, err := knownhosts.NewDB(there...)
	if err != nil {
		return problem.New("see man sshd, under known_hosts", "known_hosts: %v", err)
	}
	d.config.HostKeyCallback = known.HostKeyCallback()
	d.config.HostKeyAlgorithms = known.HostKeyAlgorithms(d.address)
	return nil
}

// scanHint returns the command that learns a host's keys.
func scanHint(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if port != "22" {
		host = "-p " + port + " " + host
	}
	return fmt.Sprintf("ssh-keyscan %s >> ~/.ssh/known_hosts, then compare the keys with those that the host publishes", host)
}

// start begins a session that runs service, on the connection that is there if
// the server has kept it.
func (d *sshDialer) start(ctx context.Context, service string) (*stream, error) {
	if d.client != nil {
		if st, err := d.run(ctx, service); err == nil || ctx.Err() != nil {
			return st, err
		}
		d.hangUp()
	}
	if err := d.dial(ctx); err != nil {
		return nil, err
	}
	return d.run(ctx, service)
}

func (d *sshDialer) run(ctx context.Context, service string) (*stream, error) {
	client := d.client
	release := context.AfterFunc(ctx, func() { client.Close() })
	defer release()
	session, err := client.NewSession()
	if err != nil {
		return nil, &cutError{err}
	}
	st := &stream{stderr: new(tail)}
	session.Stderr = st.stderr
	if st.in, err = session.StdinPipe(); err != nil {
		return nil, err
	}
	if st.out, err = session.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := session.Start(service + " " + shellQuote(d.path)); err != nil {
		session.Close()
		return nil, &cutError{err}
	}
	st.finish = sync.OnceFunc(func() {
		st.in.Close()
		late := time.AfterFunc(grace, func() { client.Close() })
		defer late.Stop()
		session.Wait() // what it wrote says how it ended
		session.Close()
	})
	st.kill = func() { client.Close() } // a session cannot be left while the connection hangs
	return st, nil
}

// dial connects and logs in. The server's key is checked before any of ours is
// offered.
func (d *sshDialer) dial(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.address)
	if err != nil {
		return &cutError{err}
	}
	release := context.AfterFunc(ctx, func() { conn.Close() })
	defer release()
	config := d.config
	if d.socket != "" {
		socket, err := new(net.Dialer).DialContext(ctx, "unix", d.socket)
		if err != nil {
			conn.Close()
			return &hinted{fmt.Errorf("the ssh agent: %w", err), "start an agent, or give a key with --ssh-key"}
		}
		defer socket.Close()
		config.Auth = []ssh.AuthMethod{ssh.PublicKeysCallback(agent.NewClient(socket).Signers)}
	}
	var refused error // by us
	var met bool
	config.HostKeyCallback = func(host string, remote net.Addr, key ssh.PublicKey) error {
		met = true
		if err := d.config.HostKeyCallback(host, remote, key); err != nil {
			refused = hostKeyError(d.address, key, err)
			return refused
		}
		return nil
	}
	c, channels, requests, err := ssh.NewClientConn(conn, d.address, &config)
	switch {
	case err == nil:
		d.client = ssh.NewClient(c, channels, requests)
		return nil
	case refused != nil:
		return refused
	case met && ctx.Err() == nil && !isNetwork(err):
		return fmt.Errorf("%w (user %s)", errSSHLogin, config.User)
	}
	conn.Close()
	return &cutError{err}
}

// hostKeyError returns the error of a host that is unknown, or known by another key than this.
func hostKeyError(address string, key ssh.PublicKey, err error) error {
	got := key.Type() + " " + ssh.FingerprintSHA256(key)
	if knownhosts.IsHostKeyChanged(err) {
		return &hinted{
			fmt.Errorf("%w: it is not the one in known_hosts, but %s", ErrHostKey, got),
			"somebody may be in between; if the host did change its key, remove the old one with ssh-keygen -R",
		}
	}
	return &hinted{fmt.Errorf("%w: %s", ErrHostKey, got), scanHint(address)}
}

func (d *sshDialer) hangUp() error {
	if d.client == nil {
		return nil
	}
	client := d.client
	d.client = nil
	if err := client.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// isNetwork reports whether err is the network's, rather than a decision.
func isNetwork(err error) bool {
	var network net.Error
	var errno syscall.Errno
	return errors.As(err, &network) || errors.As(err, &errno) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// shellQuote makes path one word for the shell at the other end.
func shellQuote(path string) string {
	return "'" + strings.NewReplacer(`'`, `'\''`, `!`, `'\!'`).Replace(path) + "'"
}
