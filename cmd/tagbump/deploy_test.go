package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/scripttest"
	"k8srepo/internal/testmain"
)

func deployment(service, tag string) string {
	return fmt.Sprintf("kind: Deployment\nmetadata: {name: %s}\nspec:\n  template:\n    spec:\n      containers:\n        - {name: %[1]s, image: registry.example.com/%[1]s:%s} # keep\n", service, tag)
}

func deploymentFile(service string) string {
	return "dev/manifests/" + service + "/" + service + "-dev-deployment.yaml"
}

// k8sOf is a k8s repo of services s00, s01 and so on.
func k8sOf(services int, tag string) gittest.Files {
	files := gittest.Files{"environments/dev.yaml": "deploy: {strategy: push}\n"}
	users := "services:\n"
	for i := range services {
		name := fmt.Sprintf("s%02d", i)
		users += fmt.Sprintf("  - {name: %s, image: registry.example.com/%[1]s, tag: old, port: 80}\n", name)
		files[deploymentFile(name)] = deployment(name, tag)
	}
	files["users.yaml"] = users
	return files
}

// job is tagbump as CI runs it: a process, where its environment, its end or other jobs at the same
// time matter, or else the command in the test's own process, which costs a tenth.
type job struct {
	dir            string
	args, env      []string
	stdout, stderr bytes.Buffer
}

func newJob(t *testing.T, env []string, args ...string) *job {
	t.Helper()
	dir := t.TempDir()
	return &job{
		dir:  dir,
		args: append([]string{"tagbump", "deploy", "--env", "dev"}, args...),
		env:  append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...),
	}
}

// run runs the job here, and returns its exit status.
func (j *job) run(t *testing.T) (status int) {
	t.Helper()
	status, err := scripttest.Program(run).In(j.dir, j.args, &j.stdout, &j.stderr, func(name string) string {
		for _, variable := range slices.Backward(j.env) {
			if value, ok := strings.CutPrefix(variable, name+"="); ok {
				return value
			}
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// process returns the job as a process, which writes to the job's buffers.
func (j *job) process(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(j.args[0], j.args[1:]...)
	cmd.Env = append([]string{"GOCOVERDIR=" + t.TempDir(), testmain.NoSleep}, j.env...)
	cmd.Stdout, cmd.Stderr = &j.stdout, &j.stderr
	return cmd
}

// start is a way to run a job to its end.
type start func(t *testing.T, j *job) (status int)

func asProcess(t *testing.T, j *job) (status int) { return exitStatus(j.process(t).Run()) }
func inProcess(t *testing.T, j *job) (status int) { return j.run(t) }

// result runs the job, which must succeed, and is what it came to.
func (j *job) result(t *testing.T, start start) (r result) {
	t.Helper()
	j.args = append(j.args, "--output", "json")
	status := start(t, j)
	if err := json.Unmarshal(j.stdout.Bytes(), &r); err != nil || status != 0 {
		t.Errorf("exit status %d: %v\n%s%s", status, err, &j.stdout, &j.stderr)
	}
	return r
}

const secret = "s3cret-t0ken-of-the-k8s-repo"

// TestDeployAtOnce has many jobs, each of its own service, push to one branch at the
// same time. (go run ./bench contention does it with 100.)
func TestDeployAtOnce(t *testing.T) {
	t.Run("many", func(t *testing.T) { deployAtOnce(t, 6, gittest.Options{Token: secret, Direct: true}) })
	t.Run("to git itself", func(t *testing.T) { deployAtOnce(t, 3, gittest.Options{Token: secret}) })
}

func deployAtOnce(t *testing.T, jobs int, o gittest.Options) {
	server := gittest.NewServer(t, o)
	repo := server.NewRepo("k8s", k8sOf(jobs, "old"))
	before := len(repo.List("main"))
	var all sync.WaitGroup
	for i := range jobs {
		all.Go(func() {
			j := newJob(t, []string{"TAGBUMP_TOKEN=" + secret}, "--repo", server.URL("k8s"), "--service", fmt.Sprintf("s%02d", i), "--tag", "new")
			if r := j.result(t, asProcess); r.Result != "changed" {
				t.Errorf("got %+v", r)
			}
			tellsNoSecret(t, secret, j.stdout.String(), j.stderr.String())
		})
	}
	all.Wait()
	log := repo.Log("main")
	for _, hash := range log {
		if strings.Count(repo.ReadObject("commit", hash), "\nparent ") > 1 {
			t.Errorf("%s is a merge", hash)
		}
	}
	if len(log) != jobs+1 {
		t.Errorf("%d commits, want %d", len(log)-1, jobs)
	}
	if got := len(repo.List("main")); got != before {
		t.Errorf("%d files, want %d", got, before)
	}
	for i := range jobs {
		service := fmt.Sprintf("s%02d", i)
		if got, want := repo.Read("main", deploymentFile(service)), deployment(service, "new"); got != want {
			t.Errorf("got %s", got)
		}
	}
	repo.Fsck()
}

// TestDeployNewest has a job for each commit of a service, in any order: the newest
// ends up running.
func TestDeployNewest(t *testing.T) {
	const jobs = 6
	app := gittest.NewRepo(t, gittest.Files{"main.go": "0"})
	commits := []string{app.Tip("main")}
	for i := range jobs {
		commits = append(commits, app.Commit("main", gittest.Files{"main.go": fmt.Sprint(i + 1)}, "next"))
	}
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", k8sOf(1, commits[0]))
	var all sync.WaitGroup
	for _, i := range rand.Perm(jobs) {
		all.Go(func() {
			j := newJob(t, nil, "--repo", server.URL("k8s"), "--app-repo", app.Dir, "--service", "s00", "--tag", commits[i+1])
			if r := j.result(t, asProcess); r.Result != "changed" && r.Result != "superseded" {
				t.Errorf("got %+v", r)
			}
		})
	}
	all.Wait()
	if got := repo.Read("main", deploymentFile("s00")); got != deployment("s00", commits[jobs]) {
		t.Errorf("got %s, want the tag %s", got, commits[jobs])
	}
	repo.Fsck()
}

// TestDeployKilled kills a job at each of its requests, and after the push has landed. The
// branch is whole, and running the job again finishes it.
func TestDeployKilled(t *testing.T) {
	points := []struct {
		kind gittest.Kind
		nth  int
	}{{gittest.ReadRefs, 1}, {gittest.PushRefs, 1}, {gittest.Fetch, 1}, {gittest.Fetch, 2}, {gittest.Fetch, 4}, {gittest.Push, 1}, {gittest.PushRefs, 2}}
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", k8sOf(len(points), "old"))
	for i, point := range points {
		args := []string{"--repo", server.URL("k8s"), "--service", fmt.Sprintf("s%02d", i), "--tag", "new"}
		j := newJob(t, nil, args...)
		process := j.process(t)
		faults := make([]gittest.Fault, point.nth)
		reached := make(chan struct{})
		faults[point.nth-1] = gittest.Fault{Hang: true, Hung: func() { close(reached) }}
		server.Fail(point.kind, faults...)
		landed := point == points[len(points)-1]
		if landed {
			server.Fail(gittest.Push, gittest.Fault{Deaf: true}) // it reads the branch again, to see
		}
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		<-reached
		_ = process.Process.Kill()
		if err := process.Wait(); exitStatus(err) != -1 {
			t.Errorf("%s %d: not killed: %v\n%s", point.kind, point.nth, err, &j.stderr)
		}
		want := map[bool]string{true: "unchanged", false: "changed"}[landed]
		if r := newJob(t, nil, args...).result(t, inProcess); r.Result != want {
			t.Errorf("%s %d: got %+v", point.kind, point.nth, r)
		}
	}
	if got := len(repo.Log("main")) - 1; got != len(points) {
		t.Errorf("%d commits, want %d", got, len(points))
	}
	repo.Fsck()
}

// TestDeployTold is a job that is told to stop.
func TestDeployTold(t *testing.T) {
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", k8sOf(1, "old"))
	reached := make(chan struct{})
	server.Fail(gittest.Fetch, gittest.Fault{Hang: true, Then: func() { close(reached) }})
	j := newJob(t, nil, "--repo", server.URL("k8s"), "--service", "s00", "--tag", "new")
	process := j.process(t)
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	process.Process.Signal(os.Interrupt)
	if err := process.Wait(); exitStatus(err) != 2 {
		t.Errorf("got %v", err)
	}
	if got, want := j.stderr.String(), "tagbump: error: interrupted\ntagbump: hint: nothing was pushed: run it again\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(repo.Log("main")) != 1 {
		t.Error("it was pushed")
	}
}

func exitStatus(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func tellsNoSecret(t *testing.T, secret string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, spelling := range []string{secret, base64.StdEncoding.EncodeToString([]byte("x-access-token:" + secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(text, spelling) {
				t.Errorf("the token is told in %q", text)
			}
		}
	}
}

// TestDeployTellsNoToken fails in every way with a token in hand, and looks for it in
// all that is said.
func TestDeployTellsNoToken(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("another host is sent %q", r.Header.Get("Authorization"))
		}
		http.Error(w, "no", http.StatusUnauthorized)
	}))
	defer elsewhere.Close()
	server := gittest.NewServer(t, gittest.Options{Token: secret, Direct: true})
	for name, c := range map[string]struct {
		spoil func(*gittest.Repo)
		flags []string
	}{
		"it works":        {func(*gittest.Repo) {}, nil},
		"dry run":         {func(*gittest.Repo) {}, []string{"--dry-run"}},
		"a hook says it":  {func(r *gittest.Repo) { r.Hook("pre-receive", "echo 'remote: "+secret+"' >&2; exit 1") }, nil},
		"a server error":  {func(*gittest.Repo) { server.Fail(gittest.ReadRefs, gittest.Fault{Status: 400, Body: "bad " + secret}) }, nil},
		"a redirect":      {func(*gittest.Repo) { server.Fail(gittest.ReadRefs, gittest.Fault{Redirect: elsewhere.URL}) }, nil},
		"a redirect push": {func(*gittest.Repo) { server.Fail(gittest.Push, gittest.Fault{Redirect: elsewhere.URL}) }, nil},
		"an odd flag":     {func(*gittest.Repo) {}, []string{"--tag", "a b"}},
		"help":            {func(*gittest.Repo) {}, []string{"--help"}},
	} {
		dir := t.TempDir()
		repo := server.NewRepo("k8s-"+strings.ReplaceAll(name, " ", "-"), k8sOf(1, "old"))
		c.spoil(repo)
		env := []string{"TAGBUMP_TOKEN=" + secret + "\n", "GITHUB_TOKEN=another-" + secret, "GITHUB_ACTIONS=true", "GITHUB_OUTPUT=" + dir + "/output", "GITHUB_STEP_SUMMARY=" + dir + "/summary"}
		for _, output := range []string{"text", "json"} {
			args := append([]string{"--repo", server.URL(filepath.Base(strings.TrimSuffix(repo.Dir, ".git"))), "--service", "s00", "--tag", "new", "--output", output}, c.flags...)
			j := newJob(t, env, args...)
			start := inProcess
			if name == "a hook says it" { // of all, to see what a process says beside what is written here
				start = asProcess
			}
			start(t, j)
			written, _ := os.ReadFile(dir + "/output")
			summary, _ := os.ReadFile(dir + "/summary")
			tellsNoSecret(t, secret, j.stdout.String(), j.stderr.String(), string(written), string(summary))
		}
		for branch := range repo.Branches() {
			for _, hash := range repo.Log(branch) {
				tellsNoSecret(t, secret, repo.ReadObject("commit", hash))
			}
		}
	}
	// A URL with a secret in it is refused, and not repeated.
	j := newJob(t, nil, "--repo", "https://x-access-token:"+secret+"@github.com/example/k8s", "--service", "s00", "--tag", "new")
	if status := j.run(t); status != 2 {
		t.Errorf("exit status %d", status)
	}
	tellsNoSecret(t, secret, j.stdout.String(), j.stderr.String())
}
