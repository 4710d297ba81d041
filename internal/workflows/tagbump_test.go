package workflows

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo/gittest"
)

const token = "s3cret-token"

// service is a service of a k8s repo: a clone of its repository, with three
// commits, and the k8s repo, which runs the first of them.
type service struct {
	clone   string
	commits []string // oldest first
	k8s     *gittest.Repo
	url     string // of the k8s repo
}

func newService(t *testing.T) service {
	t.Helper()
	app := gittest.NewRepo(t, gittest.Files{"main.go": "package main\n"})
	s := service{clone: filepath.Join(t.TempDir(), "api"), commits: []string{app.Tip("main")}}
	for _, message := range []string{"second", "third"} {
		s.commits = append(s.commits, app.Commit("main", gittest.Files{"main.go": "package main // " + message + "\n"}, message))
	}
	if out, err := exec.Command("git", "clone", "--quiet", app.Folder(), s.clone).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := gittest.NewServer(t, gittest.Options{Token: token, Direct: true})
	s.k8s = server.NewRepo("k8s", gittest.Files{
		"users.yaml":            "services:\n  - name: api\n    image: registry.example.com/api\n    tag: first\n",
		"environments/dev.yaml": "deploy: {strategy: push}\n",
		"dev/manifests/api/api-dev-deployment.yaml": "kind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n" +
			"      containers:\n        - name: api\n          image: registry.example.com/api:" + s.commits[0] + " # by CI\n",
	})
	s.url = server.URL("k8s")
	return s
}

// TestTagbumpAction deploys with the action, built from the sources beside it and
// downloaded from a release. Where it is from makes no difference to what comes after the first
// deployment, and it is built again for each.
func TestTagbumpAction(t *testing.T) {
	t.Run("dev", func(t *testing.T) {
		s := newService(t)
		actions := actionsWith(t, "dev")
		sourcesOf(t, "tagbump", actions)
		testDeploy(t, newRunner(t, s.clone), filepath.Join(actions, "tagbump"), s)
	})
	t.Run(snapshotVersion, func(t *testing.T) {
		s := newService(t)
		job := newRunner(t, s.clone)
		job.github["server_url"] = releaseServer(t).URL
		action := filepath.Join(actionsWith(t, snapshotVersion), "tagbump")
		testDeploy(t, job, action, s)
		testDeploysAfter(t, job, action, s)
	})
}

// with returns the inputs of the first deployment.
func (s service) with() map[string]string {
	return map[string]string{"repo": s.url, "token": token, "env": "dev", "service": "api", "tag": s.commits[1], "app-repo": "."}
}

// testDeploy is the first deployment.
func testDeploy(t *testing.T, job *runner, action string, s service) {
	t.Helper()
	const file = "dev/manifests/api/api-dev-deployment.yaml"
	first := job.use(action, s.with())
	wantOutputs(t, first, false, map[string]string{
		"result": "changed", "changed": "true", "commit": s.k8s.Tip("main"), "old-tags": s.commits[0], "new-tag": s.commits[1], "files": file, "attempts": "1",
	})
	if got := s.k8s.Read("main", file); !strings.Contains(got, "registry.example.com/api:"+s.commits[1]+" # by CI\n") {
		t.Errorf("%s is\n%s", file, got)
	}
	if !strings.Contains(job.summary, s.commits[1]) || !strings.Contains(job.summary, file) {
		t.Errorf("the page of the run is\n%s", job.summary)
	}
	tellsNoToken(t, job)
}

func tellsNoToken(t *testing.T, job *runner) {
	t.Helper()
	if strings.Contains(job.log+job.summary, token) {
		t.Errorf("the token is in the log:\n%s", job.log)
	}
}

// testDeploysAfter is what follows: the same again, an older tag, a mistake, and the status.
func testDeploysAfter(t *testing.T, job *runner, action string, s service) {
	t.Helper()
	deploy := s.with()
	tip := s.k8s.Tip("main")
	again := job.use(action, deploy)
	wantOutputs(t, again, false, map[string]string{"result": "unchanged", "changed": "false", "commit": "", "files": ""})

	deploy["tag"] = s.commits[0]
	older := job.use(action, deploy)
	wantOutputs(t, older, false, map[string]string{"result": "superseded", "changed": "false"})

	deploy["service"] = "apis"
	wrong := job.use(action, deploy)
	wantOutputs(t, wrong, true, map[string]string{"result": "failed", "changed": "false"})
	if !strings.Contains(wrong.log, "::error") {
		t.Errorf("no annotation:\n%s", wrong.log)
	}
	if got := s.k8s.Tip("main"); got != tip {
		t.Errorf("main moved to %s", got)
	}

	status := job.use(action, map[string]string{"command": "status", "repo": s.url, "token": token})
	if status.failed {
		t.Fatal(status.log)
	}
	if report := read(t, status.outputs["report"]); !strings.Contains(report, "api") || !strings.Contains(job.summary, report) {
		t.Errorf("status is %q; the page of the run is\n%s", report, job.summary)
	}
	tellsNoToken(t, job)
}

// TestTagbumpActionInputs: several values, values that look like flags, and
// inputs that cannot be read.
func TestTagbumpActionInputs(t *testing.T) {
	s := newService(t)
	action := filepath.Join(actionsWith(t, snapshotVersion), "tagbump")
	job := newRunner(t, s.clone)
	job.github["server_url"] = releaseServer(t).URL
	base := map[string]string{"repo": s.url, "token": token, "env": "dev", "tag": s.commits[2], "app-repo": "."}
	for _, test := range []struct {
		name   string
		with   map[string]string
		failed bool
		log    string
	}{
		{"two images on two lines", map[string]string{"image": "registry.example.com/api\nregistry.example.com/other\n", "dry-run": "true"}, true, "registry.example.com/other"},
		{"a value with blanks, quotes and a dollar sign", map[string]string{"service": "api", "message": `it's "$HOME" * {{.Tag}}`}, false, "changed: 1 file"},
		{"a tag that looks like a flag", map[string]string{"service": "api", "tag": "--force"}, true, "--force"},
		{"a glob is not expanded", map[string]string{"service": "*"}, true, `"*"`},
		{"true or false", map[string]string{"service": "api", "dry-run": "yes"}, true, "the input dry-run must be true or false"},
		{"an unknown command", map[string]string{"command": "depoly"}, true, "deploy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			job.t = t
			with := map[string]string{}
			for _, m := range []map[string]string{base, test.with} {
				for name, value := range m {
					with[name] = value
				}
			}
			got := job.use(action, with)
			if got.failed != test.failed || !strings.Contains(got.log, test.log) {
				t.Errorf("failed: %v, want %v, with %q in\n%s", got.failed, test.failed, test.log, got.log)
			}
		})
	}
	if got := s.k8s.Git("log", "-1", "--format=%s", "main"); got != `it's "$HOME" * `+s.commits[2] {
		t.Errorf("the message is %s", got)
	}
}
