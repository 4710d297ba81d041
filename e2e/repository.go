package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// repository is a k8s repo that begins as the starter, and the server that Argo CD clones it from.
type repository struct {
	dir    string // a work tree
	bare   string // what the server has
	url    string
	p      *programs
	server *http.Server
}

// newRepository renders the starter, for a repository on this machine.
func newRepository(ctx context.Context, work string, p *programs) (*repository, error) {
	k := &repository{dir: filepath.Join(work, "k8s"), bare: filepath.Join(work, "served", "k8s.git"), p: p}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k.url = fmt.Sprintf("http://%s/k8s.git", listener.Addr())
	if err := k.copyStarter(); err != nil {
		return nil, err
	}
	// Production has the root Application, so its cluster runs Argo CD. Folders are looked for
	// often: how long that takes is measured, and not waited for.
	err = k.edit("templates/variables.yaml", "git_repository: https://github.com/example/k8s.git", "git_repository: "+k.url,
		"argocd_poll_seconds: 180", "argocd_poll_seconds: 20")
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", k.dir}, {"init", "-q", "--bare", "-b", "main", k.bare}, {"-C", k.dir, "remote", "add", "origin", k.bare},
		{"-C", k.bare, "config", "http.receivepack", "true"}, {"-C", k.bare, "config", "uploadpack.allowFilter", "true"},
		{"-C", k.bare, "config", "uploadpack.allowAnySHA1InWant", "true"},
	} {
		if _, err := command(ctx, "", p.git, args...); err != nil {
			return nil, err
		}
	}
	if err := k.render(ctx); err != nil {
		return nil, err
	}
	if err := k.push(ctx, "The starter"); err != nil {
		return nil, err
	}
	return k, k.serve(ctx, listener)
}

func (k *repository) copyStarter() error {
	for _, name := range []string{"environments", "templates"} {
		if err := os.CopyFS(filepath.Join(k.dir, name), os.DirFS(filepath.Join("..", name))); err != nil {
			return err
		}
	}
	for _, name := range []string{"users.yaml", ".gitattributes"} {
		data, err := os.ReadFile(filepath.Join("..", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(k.dir, name), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// serve answers Git over HTTP, as a forge does.
func (k *repository) serve(ctx context.Context, listener net.Listener) error {
	programs, err := command(ctx, "", k.p.git, "--exec-path")
	if err != nil {
		return err
	}
	handler := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(programs), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(k.bare), "GIT_HTTP_EXPORT_ALL=1"},
	}
	k.server = &http.Server{Handler: handler}
	go k.server.Serve(listener) //nolint:errcheck // it ends with close
	return nil
}

func (k *repository) close() { k.server.Close() }

// edit replaces texts in a file: old, new, old, new.
func (k *repository) edit(name string, pairs ...string) error {
	file := filepath.Join(k.dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := string(data)
	for pair := range slices.Chunk(pairs, 2) {
		if !strings.Contains(text, pair[0]) {
			return fmt.Errorf("%s has no %q", name, pair[0])
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// manifestgen runs the command in the work tree.
func (k *repository) manifestgen(ctx context.Context, args ...string) error {
	_, err := command(ctx, k.dir, k.p.manifestgen, args...)
	return err
}

func (k *repository) render(ctx context.Context, flags ...string) error {
	return k.manifestgen(ctx, append([]string{"render"}, flags...)...)
}

// deploy moves a tag on the server, as a service's CI does.
func (k *repository) deploy(ctx context.Context, env, service, tag string) error {
	_, err := command(ctx, k.dir, k.p.tagbump, "deploy", "--repo", k.url, "--env", env, "--service", service, "--tag", tag)
	return err
}

// push commits everything in the work tree, on top of what the server has.
func (k *repository) push(ctx context.Context, message string) error {
	for _, args := range [][]string{
		{"add", "-A"}, {"-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "-q", "-m", message}, {"push", "-q", "origin", "HEAD:main"},
	} {
		if _, err := command(ctx, k.dir, k.p.git, args...); err != nil {
			return err
		}
	}
	return nil
}

// pull brings what tagbump pushed into the work tree.
func (k *repository) pull(ctx context.Context) error {
	_, err := command(ctx, k.dir, k.p.git, "pull", "-q", "--ff-only", "origin", "main")
	return err
}

// manifest is a rendered object and its place.
type manifest struct {
	object
	env  string
	file string // below the repository
}

// manifests returns the objects in a folder of the work tree.
func (k *repository) manifests(folder string) ([]manifest, error) {
	var found []manifest
	pattern := filepath.Join(k.dir, folder)
	err := filepath.WalkDir(pattern, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(k.dir, path)
		if err != nil {
			return err
		}
		env, _, _ := strings.Cut(file, string(filepath.Separator))
		for _, document := range strings.Split("\n"+string(data), "\n---\n") {
			var o object
			if err := yaml.Unmarshal([]byte(document), &o); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			if len(o) > 0 {
				found = append(found, manifest{o, env, file})
			}
		}
		return nil
	})
	return found, err
}

// environments returns the names of the environments that are rendered.
func (k *repository) environments() ([]string, error) {
	folders, err := filepath.Glob(filepath.Join(k.dir, "*", "manifests"))
	var names []string
	for _, f := range folders {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	return names, err
}

// everything returns the objects of all environments.
func (k *repository) everything() ([]manifest, error) {
	names, err := k.environments()
	if err != nil {
		return nil, err
	}
	var all []manifest
	for _, name := range names {
		found, err := k.manifests(filepath.Join(name, "manifests"))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}
