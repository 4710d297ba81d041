package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const argoproj = "argoproj.io/v1alpha1"

// argocd is a running Argo CD.
type argocd struct {
	api      *client // of the cluster that it runs in
	webhooks []string
	url      string // of the repository, as a forge's webhook names it
	running  []*process
}

// startArgoCD starts Argo CD's components as processes: in a cluster each would be a pod.
func startArgoCD(ctx context.Context, work string, p *programs, started *processes, c *cluster, k *repository) (*argocd, error) {
	if err := configureArgoCD(ctx, c.client); err != nil {
		return nil, err
	}
	ports, err := freePorts(11)
	if err != nil {
		return nil, err
	}
	port := func(i int) string { return fmt.Sprint(ports[i]) }
	local := func(i int) string { return "127.0.0.1:" + port(i) }
	env, err := argocdEnvironment(ctx, work, c)
	if err != nil {
		return nil, err
	}
	a := &argocd{api: c.client, url: strings.TrimSuffix(k.url, ".git"), webhooks: []string{"http://" + local(3) + "/api/webhook", "http://" + local(7) + "/api/webhook"}}
	redis, repo := []string{"--redis", local(0)}, []string{"--repo-server", local(1)}
	components := []struct {
		name string
		args []string
	}{
		{"argocd-repo-server", append(redis, "--address", "127.0.0.1", "--port", port(1), "--metrics-address", "127.0.0.1", "--metrics-port", port(2), "--disable-tls", "--client-ca-path", "")},
		{"argocd-server", append(append(redis, repo...), "--repo-server-plaintext", "--insecure", "--disable-auth", "--address", "127.0.0.1", "--port", port(3), "--metrics-address", "127.0.0.1", "--metrics-port", port(4),
			"--kubeconfig", c.kubeconfig, "--namespace", "argocd")},
		{"argocd-application-controller", append(append(redis, repo...), "--repo-server-plaintext", "--metrics-port", port(5), "--kubeconfig", c.kubeconfig, "--namespace", "argocd")},
		{"argocd-applicationset-controller", []string{"--argocd-repo-server", local(1), "--repo-server-plaintext", "--webhook-addr", local(7), "--metrics-addr", local(8), "--probe-addr", local(9),
			"--kubeconfig", c.kubeconfig, "--namespace", "argocd"}},
	}
	server, err := started.start("redis", nil, p.redis, "--bind", "127.0.0.1", "--port", port(0), "--save", "", "--appendonly", "no")
	if err != nil {
		return nil, err
	}
	a.running = append(a.running, server)
	for _, component := range components {
		one, err := started.start(component.name, append(env, "ARGOCD_BINARY_NAME="+component.name), p.argocd, component.args...)
		if err != nil {
			return nil, err
		}
		a.running = append(a.running, one)
	}
	return a, a.ready(ctx, "http://"+local(3)+"/healthz")
}

// argocdEnvironment returns the environment of Argo CD's processes: folders that are mounted in a pod,
// and a script of its image, which the repo server runs for every commit.
func argocdEnvironment(ctx context.Context, work string, c *cluster) ([]string, error) {
	source, err := moduleFolder(ctx, argoCD.module, argocdVersion)
	if err != nil {
		return nil, err
	}
	const script = "git-verify-wrapper.sh"
	text, err := os.ReadFile(filepath.Join(source, "hack", script))
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(work, "argocd", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(bin, script), text, 0o755); err != nil {
		return nil, err
	}
	env := []string{"ARGOCD_FAKE_IN_CLUSTER=true", "ARGOCD_GPG_ENABLED=false", "KUBECONFIG=" + c.kubeconfig, "HOME=" + work,
		"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH")}
	for variable, name := range map[string]string{"ARGOCD_TLS_DATA_PATH": "tls", "ARGOCD_SSH_DATA_PATH": "ssh", "ARGOCD_GPG_DATA_PATH": "gpg", "TMPDIR": "tmp"} {
		dir := filepath.Join(work, "argocd", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		env = append(env, variable+"="+dir)
	}
	return env, nil
}

// configureArgoCD creates the ConfigMaps and the Secret that Argo CD's installation has.
func configureArgoCD(ctx context.Context, c *client) error {
	for _, name := range []string{"argocd-cm", "argocd-cmd-params-cm", "argocd-rbac-cm", "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm", "argocd-gpg-keys-cm"} {
		if err := c.apply(ctx, settings("ConfigMap", name), false); err != nil {
			return err
		}
	}
	secret := settings("Secret", "argocd-secret")
	secret["stringData"] = map[string]any{"server.secretkey": "only-for-this-run"}
	return c.apply(ctx, secret, false)
}

func settings(kind, name string) object {
	return object{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{
		"name": name, "namespace": "argocd", "labels": map[string]any{"app.kubernetes.io/part-of": "argocd"},
	}}
}

func (a *argocd) ready(ctx context.Context, url string) error {
	return eventually(ctx, time.Minute, "Argo CD", func(ctx context.Context) error {
		if err := a.alive(); err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return notYet("%v", err)
		}
		res.Body.Close()
		return nil
	})
}

// alive returns an error if a component has ended.
func (a *argocd) alive() error {
	for _, p := range a.running {
		if err := p.ended(); err != nil {
			return err
		}
	}
	return nil
}

// notify sends what GitHub sends after a push, to both of Argo CD's webhooks.
func (a *argocd) notify(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{
		"ref": "refs/heads/main", "repository": map[string]any{"html_url": a.url, "default_branch": "main"}, "commits": []any{},
	})
	if err != nil {
		return err
	}
	for _, url := range a.webhooks {
		req, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("X-GitHub-Event", "push")
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, res.Status)
		}
	}
	return nil
}

// application returns an Application; nil if there is none.
func (a *argocd) application(ctx context.Context, name string) (object, error) {
	app, err := a.api.get(ctx, argoproj, "Application", "argocd", name)
	if isNotFound(err) {
		return nil, nil
	}
	return app, err
}

// synced returns nil if an Application is what Git has, and otherwise errNotYet with what is missing.
func synced(app object) error {
	if app == nil {
		return notYet("not there")
	}
	if phase := app.text("status", "operationState", "phase"); app.text("status", "sync", "status") != "Synced" || phase != "Succeeded" {
		return notYet("%s is %s, its last sync %s: %s%s", app.name(), app.text("status", "sync", "status"), phase, app.text("status", "operationState", "message"), conditions(app))
	}
	return nil
}

// conditions returns the messages of an Application's or ApplicationSet's conditions.
func conditions(o object) string {
	var b strings.Builder
	for _, c := range o.list("status", "conditions") {
		if m := object(c.(map[string]any)); m.text("type") != "ParametersGenerated" {
			fmt.Fprintf(&b, "; %s: %s", m.text("type"), m.text("message"))
		}
	}
	return b.String()
}

// approve confirms what an Application waits to prune or delete.
func (a *argocd) approve(ctx context.Context, name string) error {
	return a.api.merge(ctx, object{"apiVersion": argoproj, "kind": "Application", "metadata": map[string]any{"name": name, "namespace": "argocd"}}, "", map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"argocd.argoproj.io/deletion-approved": time.Now().UTC().Format(time.RFC3339)}},
	})
}
