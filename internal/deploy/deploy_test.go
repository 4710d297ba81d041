package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

func TestDeploy(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOf("api", "web"))
	s.RunURL = "https://github.com/example/api/actions/runs/1"
	outcome := s.run(deploy.Changed)
	s.runs("api", "new", 1)
	s.runs("web", "old", 1)
	if outcome.Commit != s.repo.Tip("main") || outcome.Branch != "main" || outcome.Attempts != 1 {
		t.Errorf("got %+v", outcome)
	}
	if got, want := s.repo.Git("log", "-1", "--format=%an <%ae> %cn%n%B", "main"), "Bot <bot@example.com> Bot\napi: dev old → new\n\n"+fileOf("dev", "api")+"\n\nhttps://github.com/example/api/actions/runs/1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := s.Count(); n > 8 {
		t.Errorf("%d requests, want at most 8: %v", n, s.Log())
	}
	s.run(deploy.Unchanged)
	s.runs("api", "new", 1)
}

// TestDeployWhatIsAsked is what the flags choose.
func TestDeployWhatIsAsked(t *testing.T) {
	t.Parallel()
	t.Run("several services in one commit", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api", "web", "front"))
		s.Services = []string{"api", "web"}
		s.run(deploy.Changed)
		s.runs("api", "new", 1)
		s.runs("web", "new", 1)
		s.runs("front", "old", 1)
	})
	t.Run("all of them or none", func(t *testing.T) {
		t.Parallel()
		files := siteOf("api", "web")
		delete(files, fileOf("dev", "web"))
		s := newSite(t, files)
		s.Services = []string{"api", "web"}
		s.refused(problem.ExitRefused, "no image registry.example.com/web in dev/manifests")
	})
	t.Run("a misspelt image, beside one that is right", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api", "front"))
		s.Services, s.Images = nil, []string{"registry.example.com/api", "registry.example.com/fornt"}
		s.refused(problem.ExitRefused, "no image registry.example.com/fornt in dev/manifests", "registry.example.com/front:old, a name like it")
	})
	t.Run("services that share an image", func(t *testing.T) {
		t.Parallel()
		files := siteOf("api")
		files["users.yaml"] += "\n"
		files["users.yaml"] = strings.Replace(files["users.yaml"], "teams:", "  - {name: worker, image: registry.example.com/api, tag: old, port: 80}\nteams:", 1)
		files[fileOf("dev", "worker")] = manifestOf("api", "old")
		s := newSite(t, files)
		s.Services = []string{"api", "worker"}
		if outcome := s.run(deploy.Changed); len(outcome.Files) != 2 {
			t.Errorf("got %v", outcome.Files)
		}
	})
	t.Run("the files of users", func(t *testing.T) {
		t.Parallel()
		files := siteOf("api")
		files["dev/manifests/users/alice/api-dev-deployment.yaml"] = manifestOf("api", "old")
		files["dev/manifests/users/alice/web-dev-deployment.yaml"] = manifestOf("web", "old")
		s := newSite(t, files)
		if outcome := s.run(deploy.Changed); len(outcome.Files) != 2 {
			t.Errorf("got %v", outcome.Files)
		}
		if n := s.Count(); n > 9 {
			t.Errorf("%d requests, want at most 9", n)
		}
	})
}

// TestDeployImages: images that are named themselves, without a service.
func TestDeployImages(t *testing.T) {
	t.Parallel()
	t.Run("an image that the layout does not have", func(t *testing.T) {
		t.Parallel()
		files := siteOf("api")
		files["dev/manifests/deep/down/there.yaml"] = files[fileOf("dev", "api")]
		delete(files, fileOf("dev", "api"))
		s := newSite(t, files)
		s.run(deploy.Changed)
		if got := s.repo.Read("main", "dev/manifests/deep/down/there.yaml"); got != manifestOf("api", "new") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("a digest alone", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.Tag, s.Digest = "", "sha256:"+strings.Repeat("ab", 32)
		outcome := s.run(deploy.Changed)
		if got, want := s.repo.Read("main", fileOf("dev", "api")), strings.Replace(manifestOf("api", "old"), ":old", "@"+s.Digest, 1); got != want {
			t.Errorf("got %s", got)
		}
		if len(outcome.Notices) != 0 { // order: none
			t.Errorf("got %q", outcome.Notices)
		}
	})
	t.Run("a rename, with others in between", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api", "web"))
		s.Renames = []string{"registry.example.com/api=registry.example.com/api-dev"}
		s.Fail(gittest.Push, gittest.Fault{Then: func() { s.move("web", "x") }})
		s.run(deploy.Changed)
		if got := s.repo.Read("main", fileOf("dev", "api")); !strings.Contains(got, "registry.example.com/api-dev:new # keep") {
			t.Errorf("got %s", got)
		}
		s.run(deploy.Unchanged)
	})
	t.Run("a dry run", func(t *testing.T) {
		t.Parallel()
		files := siteOf("api")
		files["environments/dev.yaml"] = "deploy: {strategy: pull-request}\n"
		s := newSite(t, files)
		s.DryRun, s.git.ReadOnly = true, true
		if outcome := s.run(deploy.Planned); len(outcome.Files) != 1 || outcome.Commit != "" {
			t.Errorf("got %+v", outcome)
		}
		s.runs("api", "old", 0)
		if s.Count(gittest.Push, gittest.PushRefs) != 0 {
			t.Error("it asked to push")
		}
	})
}

// TestPolicy is what the k8s repo says about the environment.
func TestPolicy(t *testing.T) {
	t.Parallel()
	with := func(change func(gittest.Files)) gittest.Files {
		files := siteOf("api")
		change(files)
		return files
	}
	t.Run("pull requests", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, with(func(f gittest.Files) { f["environments/dev.yaml"] = "deploy: {strategy: pull-request}\n" }))
		s.refused(problem.ExitRefused, "environments/dev.yaml:1:10: dev is deployed by pull request, and there is nobody to propose to", "--push --force")
		s.Push = true
		s.refused(problem.ExitRefused, "--force")
		s.Force = true
		s.run(deploy.Changed)
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, with(func(f gittest.Files) { delete(f, "environments/dev.yaml") }))
		s.refused(problem.ExitRefused, "the k8s repo does not say how dev is deployed", "pass --push to push to main")
		s.Push = true
		s.run(deploy.Changed)
	})
	t.Run("broken", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, with(func(f gittest.Files) { f["environments/dev.yaml"] = "deploy: {strategy: psuh}\n" }))
		s.refused(problem.ExitRefused, "environments/dev.yaml:1:")
	})
	t.Run("another branch", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, with(func(f gittest.Files) { f["environments/dev.yaml"] = "deploy: {strategy: push, branch: release}\n" }))
		s.refused(problem.ExitRefused, `there is no branch "release"`)
		s.repo.MoveBranch("release", s.repo.Tip("main"))
		if outcome := s.run(deploy.Changed); outcome.Branch != "release" {
			t.Errorf("got %+v", outcome)
		}
		s.runs("api", "old", 0)
		s.Branch = "main"
		if outcome := s.run(deploy.Changed); outcome.Branch != "main" {
			t.Errorf("got %+v", outcome)
		}
	})
	t.Run("another branch that says no", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, with(func(f gittest.Files) { f["environments/dev.yaml"] = "deploy: {strategy: push, branch: release}\n" }))
		s.repo.MoveBranch("release", s.repo.Tip("main"))
		s.repo.Commit("release", gittest.Files{"environments/dev.yaml": "deploy: {strategy: pull-request}\n"}, "careful")
		s.refused(problem.ExitRefused, "by pull request")
	})
	t.Run("no such environment", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, with(func(f gittest.Files) { f["environments/qa.yaml"], f["qa/manifests/x.yaml"] = "{}\n", "kind: X\n" }))
		s.Env, s.Push = "deev", true
		s.refused(problem.ExitRefused, "no environment deev: there is no folder deev/manifests", `did you mean "dev"?`)
	})
}

// TestServices is what users.yaml says about the services.
func TestServices(t *testing.T) {
	t.Parallel()
	t.Run("absent", func(t *testing.T) {
		t.Parallel()
		files := siteOf("api")
		delete(files, "users.yaml")
		delete(files, "environments/dev.yaml")
		s := newSite(t, files)
		s.Push = true
		s.refused(problem.ExitTrouble, "there is no users.yaml to look the service up in | name the image's repository with --image")
		s.Services, s.Images = nil, []string{"registry.example.com/api"}
		s.refused(problem.ExitRefused, "nothing is known of its commits, so new may be older than old, which runs", "pass --force")
		s.Force = true
		s.run(deploy.Changed)
		s.runs("api", "new", 1)
	})
	t.Run("broken", func(t *testing.T) {
		t.Parallel()
		files := siteOf("api")
		files["users.yaml"] = "services:\n  - {name: api, image: [}\n"
		s := newSite(t, files)
		s.refused(problem.ExitTrouble, "users.yaml:2:")
		s.Services, s.Images = nil, []string{"registry.example.com/api"}
		s.run(deploy.Changed)
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.Services = []string{"apj"}
		s.refused(problem.ExitTrouble, `unknown service "apj" | did you mean "api"?`)
	})
	t.Run("nothing is asked of the server for flags that are wrong", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		for _, spoil := range []func(){
			func() { s.Tag = "a b" }, func() { s.Env = "../dev" }, func() { s.Message = "{{ .Nobody }}" }, func() { s.Message = "{{ if }}" }, func() { s.Message = "{{/* */}}" },
		} {
			was := s.Deployment
			spoil()
			if outcome, err := s.Run(t.Context()); problem.ExitStatus(err) != problem.ExitTrouble || outcome.Attempts != 0 {
				t.Errorf("got %v", err)
			}
			s.Deployment = was
		}
		if s.Count() != 0 {
			t.Errorf("%d requests", s.Count())
		}
	})
}

func TestMessage(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOf("api"))
	s.Tag = strings.Repeat("0123456789", 4)
	s.run(deploy.Changed)
	if got, want := s.repo.Git("log", "-1", "--format=%s", "main"), "api: dev old → 0123456"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Tag, s.Message = "next", "{{ .Env }}: {{ .Services }} is {{ .Tag }}, was {{ .Old }}{{ range .Files }}\n\n{{ . }}{{ end }}"
	s.git.Committer = gitrepo.Signature{Name: "Relay", Email: "relay@example.com"}
	s.run(deploy.Changed)
	if got, want := s.repo.Git("log", "-1", "--format=%cn <%ce> %B", "main"), "Relay <relay@example.com> dev: api is next, was 0123456\n\n"+fileOf("dev", "api"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSigned has git check the signature.
func TestSigned(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("git checks SSH signatures with ssh-keygen, which is not here")
	}
	s := newSite(t, siteOf("api"))
	private, public := gittest.NewSSHKey(t)
	signer, err := gitrepo.NewSSHSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	s.git.Signer = signer
	s.Fail(gittest.Push, gittest.Fault{Then: func() { s.move("api", "other") }})
	s.run(deploy.Changed)
	allowed := filepath.Join(t.TempDir(), "allowed_signers")
	line := "bot@example.com " + string(ssh.MarshalAuthorizedKey(public.PublicKey()))
	if err := os.WriteFile(allowed, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	s.repo.Git("-c", "gpg.format=ssh", "-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", "main")
}

// TestLinks: an image behind a link out of the environment is not missed in silence.
func TestLinks(t *testing.T) {
	t.Parallel()
	files := siteOf("api")
	files["120000 dev/manifests/api/more.yaml"] = "../../../elsewhere.yaml"
	files["elsewhere.yaml"] = manifestOf("api", "old")
	s := newSite(t, files)
	s.refused(problem.ExitRefused, "dev/manifests/api/more.yaml", "a symbolic link out of dev/manifests")
	s.Services, s.Images = nil, []string{"registry.example.com/api"}
	s.refused(problem.ExitRefused, "dev/manifests/api/more.yaml", "a symbolic link out of dev/manifests")
	files["120000 dev/manifests/api/more.yaml"] = "api-dev-deployment.yaml"
	for _, folder := range []string{"dev/manifests", "."} {
		files["environments/dev.yaml"] = "path: " + folder + "\ndeploy: {strategy: push}\n"
		s = newSite(t, files)
		s.run(deploy.Changed)
		s.runs("api", "new", 1)
	}
	files["120000 dev/manifests/api/more.yaml"] = "../../../../elsewhere.yaml"
	s = newSite(t, files)
	s.refused(problem.ExitRefused, "dev/manifests/api/more.yaml", "a symbolic link out of .")
}

// TestLinksElsewhere: a link in another environment, or in the past, is in nobody's way.
func TestLinksElsewhere(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		link := gittest.Files{"120000 dev/manifests/api/more.yaml": "../../../users.yaml", "120000 prod/manifests/api/more.yaml": "../../../users.yaml"}
		h.repo.Commit("main", link, "links")
		h.runsIn("prod", h.builds[0])
		h.repo.Commit("main", gittest.Files{"120000 prod/manifests/api/more.yaml": "api-prod-deployment.yaml"}, "a link inside")
		h.runsIn("prod", h.builds[1])
		h.deploys(2, deploy.Proposed)
		h.says("| `dev` | `api` | `" + h.builds[3] + "` | ")
		h.does(h.rollback(h.builds[0]), deploy.Proposed)
	})
}
