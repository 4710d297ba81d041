package gitrepo_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

func TestOnDisk(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*gittest.Repo){
		"filters":          func(*gittest.Repo) {},
		"no wants by hash": (*gittest.Repo).NoWants,
		"no filter":        (*gittest.Repo).NoFilter,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := gittest.NewRepo(t, sample())
			limit(repo)
			urls := []string{repo.Dir}
			if name == "filters" {
				urls = append(urls, repo.URL()) // which says the same
			}
			for i, url := range urls {
				content := "image: api:" + strings.Repeat("x", i+2) + "\n"
				if err := bump(t.Context(), open(t, url, gitrepo.Options{Token: token}), "", deployment, content); err != nil {
					t.Fatal(err)
				}
				if got := repo.Read("main", deployment); got != content {
					t.Errorf("got %q", got)
				}
			}
			repo.Fsck()
		})
	}
}

func TestOnDiskFaults(t *testing.T) {
	t.Parallel()
	t.Run("no repository", func(t *testing.T) {
		_, err := open(t, t.TempDir(), gitrepo.Options{}).Tip(t.Context(), "main")
		if _, again := gitrepo.Retry(err); !errors.Is(err, gitrepo.ErrAccess) || again || !strings.Contains(err.Error(), "not appear to be a git repository") {
			t.Errorf("got %v", err)
		}
		if hint := problem.All(err)[0].Hint; hint != "check the path, and that you may read and write it" {
			t.Errorf("hint %q", hint)
		}
	})
	t.Run("empty", func(t *testing.T) {
		_, err := open(t, gittest.NewRepo(t, nil).Dir, gitrepo.Options{}).Tip(t.Context(), "main")
		if !errors.Is(err, gitrepo.ErrEmptyRepository) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a hook declines", func(t *testing.T) {
		repo := gittest.NewRepo(t, sample())
		repo.Hook("update", "echo not today >&2; exit 1")
		err := bump(t.Context(), open(t, repo.Dir, gitrepo.Options{}), "main", settings, "x")
		if e := pushError(t, err, gitrepo.Declined); !strings.Contains(e.Remote, "not today") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a hook runs after the push", func(t *testing.T) {
		repo := gittest.NewRepo(t, sample())
		repo.Hook("post-receive", "sleep 0.05; touch done")
		if err := bump(t.Context(), open(t, repo.Dir, gitrepo.Options{}), "main", settings, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(repo.Dir, "done")); err != nil {
			t.Error("the hook was not let finish")
		}
	})
	t.Run("a hook hangs", func(t *testing.T) {
		repo := gittest.NewRepo(t, sample())
		hangs := hangingHook(t, repo)
		ctx := gittest.NewExpiring(t.Context())
		hangs(ctx.Expire)
		start := time.Now()
		err := bump(ctx, open(t, repo.Dir, gitrepo.Options{}), "main", settings, "x")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

// hangingHook gives a repository a hook that hangs. The function that it returns has
// another one called once the next push has come to the hook.
func hangingHook(t *testing.T, repo *gittest.Repo) func(then func()) {
	t.Helper()
	reached := filepath.Join(t.TempDir(), "reached")
	repo.Hook("pre-receive", "mkdir '"+reached+"'; exec sleep 30")
	return func(then func()) {
		go func() {
			for t.Context().Err() == nil {
				if os.Remove(reached) == nil {
					then()
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
}

// sshSetup is a server, and the options that reach it.
func sshSetup(t *testing.T) (*gittest.SSHServer, *gittest.Repo, gitrepo.Options) {
	t.Helper()
	server := gittest.NewSSHServer(t)
	return server, gittest.NewRepo(t, sample()), gitrepo.Options{
		SSHKey:     server.ClientKey,
		KnownHosts: []string{"/nowhere/known_hosts", knownHosts(t, server.Address, server.HostKey)},
	}
}

func knownHosts(t *testing.T, address string, key ssh.PublicKey) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	line := knownhosts.Line([]string{knownhosts.Normalize(address)}, key)
	if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSSH(t *testing.T) {
	t.Parallel()
	server, repo, o := sshSetup(t)
	r := open(t, server.URL(repo), o)
	for _, content := range []string{"image: api:2\n", "image: api:3\n"} {
		if err := bump(t.Context(), r, "main", deployment, content); err != nil {
			t.Fatal(err)
		}
		if got := repo.Read("main", deployment); got != content {
			t.Errorf("got %q", got)
		}
	}
	if got := server.Connections.Load(); got != 1 {
		t.Errorf("%d connections, want 1 for %d sessions", got, server.Sessions.Load())
	}
	repo.Fsck()
}

func TestSSHAgent(t *testing.T) {
	t.Parallel()
	server, repo, o := sshSetup(t)
	ring := agent.NewKeyring()
	key, err := ssh.ParseRawPrivateKey(server.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "agent") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, conn)
		}
	}()
	o.SSHKey, o.SSHAgent = nil, socket.Addr().String()
	tipOf(t, open(t, server.URL(repo), o), "main")
	o.SSHAgent += ".none"
	if _, err := open(t, server.URL(repo), o).Tip(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "the ssh agent") {
		t.Errorf("got %v", err)
	}
}

func TestSSHRefuses(t *testing.T) {
	t.Parallel()
	server, repo, good := sshSetup(t)
	stranger, other := gittest.NewSSHKey(t)
	for name, c := range map[string]struct {
		o    gitrepo.Options
		kind error
		text string
		hint string
	}{
		"another host key": {
			gitrepo.Options{SSHKey: good.SSHKey, KnownHosts: []string{knownHosts(t, server.Address, other.PublicKey())}},
			gitrepo.ErrHostKey, "it is not the one in known_hosts, but ssh-ed25519 SHA256:", "somebody may be in between",
		},
		"an unknown host": {
			gitrepo.Options{SSHKey: good.SSHKey, KnownHosts: []string{knownHosts(t, "example.com:22", server.HostKey)}},
			gitrepo.ErrHostKey, "unknown ssh host key: ssh-ed25519 SHA256:", "ssh-keyscan -p",
		},
		"an unknown key": {
			gitrepo.Options{SSHKey: stranger, KnownHosts: good.KnownHosts},
			gitrepo.ErrAccess, "the ssh server takes none of the keys", "give a key that the server knows",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, server.URL(repo), c.o).Tip(t.Context(), "main")
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) || !strings.HasPrefix(problem.All(err)[0].Hint, c.hint) {
				t.Errorf("got %v (hint %s)", err, problem.All(err)[0].Hint)
			}
			if _, again := gitrepo.Retry(err); again {
				t.Error("is to be retried")
			}
			if server.Sessions.Load() != 0 {
				t.Error("a session was opened")
			}
		})
	}
	for name, o := range map[string]gitrepo.Options{
		"no key":         {KnownHosts: good.KnownHosts},
		"no known_hosts": {SSHKey: good.SSHKey},
		"not a key":      {SSHKey: []byte("s3cret"), KnownHosts: good.KnownHosts},
	} {
		if _, err := gitrepo.Open(server.URL(repo), o); err == nil || problem.All(err)[0].Hint == "" || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	t.Run("no repository", func(t *testing.T) {
		_, err := open(t, "ssh://git@"+server.Address+"/nowhere", good).Tip(t.Context(), "main")
		if !errors.Is(err, gitrepo.ErrAccess) || problem.All(err)[0].Hint != "check the path, and that the key may read and write it" {
			t.Errorf("got %v", err)
		}
	})
}

// TestSSHHangs has servers that stop talking: before the handshake, and after
// the login.
func TestSSHHangs(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	accepted := func(then func()) {
		go func() {
			if conn, err := silent.Accept(); err == nil {
				t.Cleanup(func() { conn.Close() })
				then()
			}
		}()
	}
	_, key := gittest.NewSSHKey(t)
	server, repo, o := sshSetup(t)
	for name, c := range map[string]struct {
		url   string
		o     gitrepo.Options
		hangs func(then func()) // calls a function once the next bump hangs
	}{
		"handshake": {"ssh://" + silent.Addr().String() + "/x", gitrepo.Options{SSHKey: o.SSHKey, KnownHosts: []string{knownHosts(t, silent.Addr().String(), key.PublicKey())}}, accepted},
		"push":      {server.URL(repo), o, hangingHook(t, repo)},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := gittest.NewExpiring(t.Context())
			c.hangs(ctx.Expire)
			start := time.Now()
			err := bump(ctx, open(t, c.url, c.o), "main", settings, "x")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			var clock gittest.Clock
			c.o.IdleTimeout, c.o.AfterFunc = time.Minute, clock.AfterFunc
			c.hangs(func() { clock.Pass(time.Minute) })
			err = bump(t.Context(), open(t, c.url, c.o), "main", settings, "x")
			if !errors.Is(err, gitrepo.ErrIdle) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 8*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// TestHooksHaveNoToken pushes into a repository on disk, whose hook writes down its
// environment.
func TestHooksHaveNoToken(t *testing.T) {
	for _, name := range []string{"TAGBUMP_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "INPUT_K8S-TOKEN", "PLAIN"} {
		t.Setenv(name, token)
	}
	t.Setenv("KEPT", "yes")
	repo := gittest.NewRepo(t, sample())
	out := filepath.Join(t.TempDir(), "env")
	hook := filepath.Join(repo.Dir, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nenv > '"+out+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := bump(t.Context(), open(t, repo.Dir, gitrepo.Options{Token: token}), "main", settings, "x"); err != nil {
		t.Fatal(err)
	}
	env, err := os.ReadFile(out)
	if err != nil || strings.Contains(string(env), token) || !strings.Contains(string(env), "KEPT=yes") {
		t.Errorf("got %v, %s", err, env)
	}
}
