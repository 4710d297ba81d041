package main

import (
	"encoding/pem"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"k8srepo/internal/gitrepo/gittest"
)

// TestDeployWays reaches the k8s repo in each way that there is.
func TestDeployWays(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]func(*testing.T){
		"https with an authority of one's own": deployToOwnAuthority,
		"https with SSL_CERT_FILE":             deployToCertFile,
		"ssh":                                  deployOverSSH,
		"a file":                               deployToFile,
		"a proxy":                              deployOverProxy,
		"a service's own repository":           deployOrderedByItsRepository,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way(t)
		})
	}
}

// deployed deploys a new tag, which is on the branch then.
func deployed(t *testing.T, start start, repo *gittest.Repo, env []string, args ...string) {
	t.Helper()
	j := newJob(t, env, append(args, "--service", "s00", "--tag", "new")...)
	if r := j.result(t, start); r.Result != "changed" || r.Commit != repo.Tip("main") {
		t.Errorf("got %+v", r)
	}
	repo.Fsck()
}

func deployToOwnAuthority(t *testing.T) {
	server := gittest.NewServer(t, gittest.Options{TLS: true, Token: secret, Direct: true})
	repo := server.NewRepo("k8s", k8sOf(1, "old"))
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	j := newJob(t, []string{"TAGBUMP_TOKEN=" + secret}, "--repo", server.URL("k8s"), "--service", "s00", "--tag", "new")
	if status := j.run(t); status != 2 || !strings.Contains(j.stderr.String(), "give its file with --ca-file") {
		t.Errorf("exit status %d, %s", status, &j.stderr)
	}
	deployed(t, inProcess, repo, []string{"TAGBUMP_TOKEN=" + secret}, "--repo", server.URL("k8s"), "--ca-file", ca)
}

func deployToCertFile(t *testing.T) {
	server := gittest.NewServer(t, gittest.Options{TLS: true, Direct: true})
	repo := server.NewRepo("k8s", k8sOf(1, "old"))
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	deployed(t, asProcess, repo, []string{"SSL_CERT_FILE=" + ca}, "--repo", server.URL("k8s"))
}

func deployOverSSH(t *testing.T) {
	server, dir := gittest.NewSSHServer(t), t.TempDir()
	repo := gittest.NewRepo(t, k8sOf(1, "old"))
	key, known := filepath.Join(dir, "key"), filepath.Join(dir, "known_hosts")
	line := knownhosts.Line([]string{knownhosts.Normalize(server.Address)}, server.HostKey)
	for file, data := range map[string][]byte{key: server.ClientKey, known: []byte(line + "\n")} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	deployed(t, inProcess, repo, nil, "--repo", server.URL(repo), "--ssh-key", key, "--known-hosts", known)
	_, other := gittest.NewSSHKey(t)
	line = knownhosts.Line([]string{knownhosts.Normalize(server.Address)}, other.PublicKey())
	if err := os.WriteFile(known, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := newJob(t, nil, "--repo", server.URL(repo), "--ssh-key", key, "--known-hosts", known, "--service", "s00", "--tag", "newer")
	if status := j.run(t); status != 2 || !strings.Contains(j.stderr.String(), "it is not the one in known_hosts, but "+ssh.KeyAlgoED25519) {
		t.Errorf("exit status %d, %s", status, &j.stderr)
	}
}

func deployToFile(t *testing.T) {
	repo := gittest.NewRepo(t, k8sOf(1, "old"))
	deployed(t, asProcess, repo, []string{"TAGBUMP_TOKEN=" + secret}, "--repo", repo.URL())
}

func deployOverProxy(t *testing.T) {
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", k8sOf(1, "old"))
	var carried atomic.Int32
	backend := strings.TrimPrefix(server.Server.URL, "http://")
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if r.In.URL.Host == "k8s.example.com" {
			carried.Add(1)
		}
		r.Out.URL.Host, r.Out.Host = backend, backend
	}})
	defer proxy.Close()
	deployed(t, asProcess, repo, []string{"HTTP_PROXY=" + proxy.URL}, "--repo", "http://k8s.example.com/k8s.git")
	if carried.Load() == 0 {
		t.Error("nothing went over the proxy")
	}
}

func deployOrderedByItsRepository(t *testing.T) {
	server := gittest.NewServer(t, gittest.Options{Token: secret, Direct: true})
	app := server.NewRepo("example/app", gittest.Files{"a": "1"})
	first := app.Tip("main")
	second := app.Commit("main", gittest.Files{"a": "2"}, "second")
	files := k8sOf(1, second)
	files["users.yaml"] = strings.Replace(files["users.yaml"], "port:", "repository: example/app, port:", 1)
	repo := server.NewRepo("k8s", files)
	env := []string{"GITHUB_TOKEN=" + secret, "GITHUB_SERVER_URL=" + server.Server.URL}
	j := newJob(t, env, "--repo", server.URL("k8s"), "--service", "s00", "--tag", first[:10])
	if r := j.result(t, inProcess); r.Result != "superseded" || len(r.Superseded) != 1 {
		t.Errorf("got %+v", r)
	}
	// A clone that does not know what runs is helped out by the repository.
	third := app.Commit("main", gittest.Files{"a": "3"}, "third")
	clone := t.TempDir()
	app.Git("clone", "--quiet", "--depth=1", app.URL(), clone)
	j = newJob(t, env, "--repo", server.URL("k8s"), "--service", "s00", "--tag", third, "--app-repo", clone)
	if r := j.result(t, inProcess); r.Result != "changed" || r.Commit != repo.Tip("main") {
		t.Errorf("got %+v", r)
	}
	if err := os.RemoveAll(app.Dir); err != nil {
		t.Fatal(err)
	}
	j = newJob(t, env, "--repo", server.URL("k8s"), "--service", "s00", "--tag", first)
	if status := j.run(t); status != 2 || !strings.Contains(j.stderr.String(), "cannot tell older from newer: "+server.URL("example/app")+": 404 not found") {
		t.Errorf("exit status %d, %s", status, &j.stderr)
	}
}
