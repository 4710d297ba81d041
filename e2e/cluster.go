package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// adminToken is the token of the only user there is, who may do everything.
const adminToken = "e2e-admin"

// clusters are the API servers: production's second cluster is one of its own, and all other
// environments share the first, where Argo CD has its objects too.
type clusters struct {
	main, second *cluster
}

// cluster is an API server.
type cluster struct {
	*client
	name       string
	kubeconfig string
}

// startClusters starts etcd, two API servers, and the controllers that Argo CD's deletions
// need: for finalizers of foreground deletion, and of namespaces.
func startClusters(ctx context.Context, work string, p *programs, started *processes, r *report) (*clusters, error) {
	start := time.Now()
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	etcd := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	if _, err := started.start("etcd", nil, p.etcd, "--data-dir", filepath.Join(work, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", etcd, "--advertise-client-urls", etcd, "--listen-peer-urls", fmt.Sprintf("http://127.0.0.1:%d", ports[1])); err != nil {
		return nil, err
	}
	all := &clusters{}
	for i, c := range []**cluster{&all.main, &all.second} {
		if *c, err = startAPIServer(ctx, work, []string{"main", "second"}[i], p, started, etcd, ports[2+i]); err != nil {
			return nil, err
		}
		if _, err := started.start("controllers-"+(*c).name, nil, p.controllerManager, "--kubeconfig", (*c).kubeconfig,
			"--controllers=garbage-collector-controller,namespace-controller", "--leader-elect=false", "--secure-port=0",
			"--use-service-account-credentials=false"); err != nil {
			return nil, err
		}
	}
	r.took(start, "two API servers answer")
	return all, nil
}

func startAPIServer(ctx context.Context, work, name string, p *programs, started *processes, etcd string, port int) (*cluster, error) {
	dir := filepath.Join(work, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	key, tokens := filepath.Join(dir, "sa.key"), filepath.Join(dir, "tokens.csv")
	if err := writeKey(key); err != nil {
		return nil, err
	}
	if err := os.WriteFile(tokens, []byte(adminToken+",admin,admin,system:masters\n"), 0o600); err != nil {
		return nil, err
	}
	server, err := started.start("kube-apiserver-"+name, nil, p.apiserver, "--etcd-servers", etcd, "--etcd-prefix", "/"+name,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--cert-dir", dir, "--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", key, "--service-account-signing-key-file", key,
		"--token-auth-file", tokens, "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none")
	if err != nil {
		return nil, err
	}
	c := &cluster{name: name, kubeconfig: filepath.Join(dir, "kubeconfig"), client: newClient(fmt.Sprintf("https://127.0.0.1:%d", port), adminToken)}
	if err := os.WriteFile(c.kubeconfig, []byte(fmt.Sprintf(kubeconfig, c.base, adminToken)), 0o600); err != nil {
		return nil, err
	}
	return c, eventually(ctx, time.Minute, "the API server "+name, func(ctx context.Context) error {
		if err := server.ended(); err != nil {
			return err
		}
		if err := c.trust(filepath.Join(dir, "apiserver.crt")); err != nil {
			return notYet("%v", err)
		}
		if _, err := c.request(ctx, "GET", "/readyz", "", nil); err != nil {
			return notYet("%v", err)
		}
		return nil
	})
}

// kubeconfig is the text of a kubeconfig, to be completed with a server and a token. Only this
// program's own client checks the server's certificate.
const kubeconfig = `apiVersion: v1
kind: Config
clusters:
  - name: e2e
    cluster: {server: "%s", insecure-skip-tls-verify: true}
users:
  - name: e2e
    user: {token: "%s"}
contexts:
  - name: e2e
    context: {cluster: e2e, user: e2e}
current-context: e2e
`

func writeKey(file string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
}

// address returns another URL of the same API server: Argo CD tells clusters apart by their
// URLs. It is an address of the loopback network that is forwarded until the program ends.
func (c *cluster) address(n int) (string, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:0", n+2))
	if err != nil {
		return "", err
	}
	to := c.base[len("https://"):]
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go forward(from, to)
		}
	}()
	return "https://" + l.Addr().String(), nil
}

func forward(from net.Conn, to string) {
	defer from.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(server, from) // ends with either side
		server.Close()
	}()
	_, _ = io.Copy(from, server)
}
