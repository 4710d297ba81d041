package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// The versions that are tested. The API server's is the one that the starter's environments name.
const (
	kubernetesVersion = "v1.34.4"
	argocdVersion     = "v3.5.7"
	// Argo CD's own go.mod replaces this module by a folder that its zip does not hold.
	gitopsEngineVersion = "v0.0.0-20260914071520-c9c369efcc5b"
)

// upstream is a module that cannot be built from its zip: its go.mod replaces modules by folders
// that the zip does not hold. A wrapper module with the same requirements can be built.
type upstream struct {
	module, version string
	replaced        map[string]string // module: version, instead of a folder
	staging         string            // the version of every other module that it replaces by a folder
	ldflags         string
}

var kubernetes = upstream{
	module: "k8s.io/kubernetes", version: kubernetesVersion, staging: strings.Replace(kubernetesVersion, "v1.", "v0.", 1),
	ldflags: "-X k8s.io/component-base/version.gitVersion=" + kubernetesVersion +
		" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34",
}

var argoCD = upstream{
	module: "github.com/argoproj/argo-cd/v3", version: argocdVersion,
	replaced: map[string]string{"github.com/argoproj/argo-cd/gitops-engine": gitopsEngineVersion},
	ldflags:  "-X github.com/argoproj/argo-cd/v3/common.version=" + strings.TrimPrefix(argocdVersion, "v"),
}

// programs are the paths of what is run.
type programs struct {
	etcd, redis, git             string
	apiserver, controllerManager string
	argocd                       string // every component of Argo CD, by the name that it is run under
	manifestgen, tagbump         string
	cache                        string
}

// build finds and builds the programs. What is in the cache is not built again.
func build(ctx context.Context, o options, r *report) (*programs, error) {
	r.stage("programs")
	start := time.Now()
	p := &programs{cache: o.cache}
	var err error
	if p.git, err = exec.LookPath("git"); err != nil {
		return nil, err
	}
	if p.etcd, err = debian(ctx, "etcd", "etcd-server"); err != nil {
		return nil, err
	}
	if p.apiserver, err = kubernetes.build(ctx, o.cache, "cmd/kube-apiserver", "kube-apiserver", r); err != nil {
		return nil, err
	}
	if p.controllerManager, err = kubernetes.build(ctx, o.cache, "cmd/kube-controller-manager", "kube-controller-manager", r); err != nil {
		return nil, err
	}
	if o.argocd {
		if p.redis, err = debian(ctx, "redis-server", "redis-server"); err != nil {
			return nil, err
		}
		if p.argocd, err = argoCD.build(ctx, o.cache, "cmd", "argocd", r); err != nil {
			return nil, err
		}
	}
	if err := p.buildOwn(ctx); err != nil {
		return nil, err
	}
	built := "kube-apiserver " + kubernetesVersion
	if o.argocd {
		built += ", Argo CD " + argocdVersion
	}
	r.took(start, "%s and this repository's commands, in %s", built, o.cache)
	return p, nil
}

// buildOwn builds manifestgen and tagbump, from the module around this one.
func (p *programs) buildOwn(ctx context.Context) error {
	bin := filepath.Join(p.cache, "own")
	if _, err := command(ctx, "..", "go", "build", "-o", bin+string(filepath.Separator), "./cmd/manifestgen", "./cmd/tagbump"); err != nil {
		return err
	}
	p.manifestgen, p.tagbump = filepath.Join(bin, "manifestgen"), filepath.Join(bin, "tagbump")
	return nil
}

// debian returns the path of a program, and installs its package where it is missing.
func debian(ctx context.Context, program, pkg string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("%s is not installed: apt-get install %s", program, pkg)
	}
	for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", pkg}} {
		if _, err := command(ctx, "", "apt-get", args...); err != nil {
			return "", err
		}
	}
	return exec.LookPath(program)
}

// build builds one of the module's packages into the cache, and returns the program's path.
func (u *upstream) build(ctx context.Context, cache, pkg, name string, r *report) (string, error) {
	dir := filepath.Join(cache, filepath.Base(strings.TrimSuffix(u.module, "/v3"))+"-"+u.version)
	program := filepath.Join(dir, name)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	start := time.Now()
	if err := u.wrap(ctx, dir); err != nil {
		return "", err
	}
	partial := program + ".partial" // a build that is interrupted leaves no program
	if _, err := command(ctx, dir, "go", "build", "-mod=mod", "-trimpath", "-ldflags=-s -w "+u.ldflags, "-o", partial, u.module+"/"+pkg); err != nil {
		return "", err
	}
	if err := os.Rename(partial, program); err != nil {
		return "", err
	}
	r.took(start, "built %s", program)
	return program, nil
}

// wrap writes the wrapper's go.mod to dir.
func (u *upstream) wrap(ctx context.Context, dir string) error {
	source, err := moduleFolder(ctx, u.module, u.version)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), []byte(u.goMod(string(text))), 0o644)
}

var (
	moduleLine    = regexp.MustCompile(`(?m)^module .*$`)
	folderReplace = regexp.MustCompile(`(?m)^(\s*(?:replace )?)(\S+) => \./\S+$`)
)

// goMod returns the wrapper's go.mod, made of the text of the module's own.
func (u *upstream) goMod(text string) string {
	text = moduleLine.ReplaceAllString(text, "module wrapper")
	text = folderReplace.ReplaceAllStringFunc(text, func(line string) string {
		m := folderReplace.FindStringSubmatch(line)
		version := u.replaced[m[2]]
		if version == "" {
			version = u.staging
		}
		return m[1] + m[2] + " => " + m[2] + " " + version
	})
	return text + "\nrequire " + u.module + " " + u.version + "\n"
}

// moduleFolder returns the folder of a module's source, downloaded if need be.
func moduleFolder(ctx context.Context, module, version string) (string, error) {
	out, err := command(ctx, os.TempDir(), "go", "mod", "download", "-json", module+"@"+version)
	if err != nil {
		return "", err
	}
	var found struct{ Dir, Error string }
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		return "", err
	}
	if found.Error != "" {
		return "", errors.New(found.Error)
	}
	return found.Dir, nil
}
