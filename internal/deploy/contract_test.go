package deploy_test

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
	"k8srepo/internal/testmain"
)

// Tables of sentences are what tagbump guarantees: TestRaces, TestOrder, TestPulls,
// TestPullBody, TestBranchOwner, TestRollback, TestPolicyFailsClosed and TestObjects. A story
// tests each sentence. It runs over Git and over GitHub's API, on the same repositories, and
// both must come to the same results.

// sentence is one guarantee, and the story that tests it.
type sentence struct {
	says  string
	story func(t *testing.T, api bool)
}

// bySentence runs the stories of a table.
func bySentence(t *testing.T, sentences ...sentence) {
	t.Parallel()
	for _, s := range sentences {
		t.Run(s.says, func(t *testing.T) { bothWays(t, s.story) })
	}
}

// bothWays runs a test over Git, and over the API, and compares the results. With the race detector,
// which takes its time, it runs one test over Git and another over the API.
func bothWays(t *testing.T, test func(t *testing.T, api bool)) {
	t.Parallel()
	t.Cleanup(func() { sameResults(t) })
	for name, api := range map[string]bool{"git": false, "api": true} {
		if testmain.Race && api == (len(t.Name())%2 == 0) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, api)
		})
	}
}

// resultsOf are the results of tests, by their names.
var resultsOf sync.Map

// sameResults compares what the runs of a test came to over Git and over the API.
func sameResults(t *testing.T) {
	ways := map[string]map[string]string{"git": {}, "api": {}}
	resultsOf.Range(func(name, results any) bool {
		if rest, ok := strings.CutPrefix(name.(string), t.Name()+"/"); ok {
			way, story, _ := strings.Cut(rest, "/")
			ways[way][story] = strings.Join(*results.(*[]string), "\n")
		}
		return true
	})
	if t.Failed() || testmain.Race {
		return
	}
	for story, git := range ways["git"] {
		if api := ways["api"][story]; git != api {
			t.Errorf("%s: over Git\n%s\nover the API\n%s", story, git, api)
		}
	}
	if len(ways["git"]) != len(ways["api"]) {
		t.Errorf("%d stories with results over Git, %d over the API", len(ways["git"]), len(ways["api"]))
	}
}

// record keeps what a run came to, in words: the whole outcome and the error. Commits have
// hashes of their own on each way.
func (s *site) record(outcome *deploy.Outcome, err error) {
	var w strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&w, "  "+format+"\n", args...) }
	if o := outcome; o != nil {
		attempts := fmt.Sprint(o.Attempts)
		if s.lost { // over the API an answer is looked up in the same attempt
			attempts = "some"
		}
		line("%s on %s, commit %s, attempts %s", o.Status, o.Branch, o.Commit, attempts)
		line("pull request %q %q %q, tag %q, note %q", o.PullRequest, o.Pull, o.PullBranch, o.NewTag, o.Note)
		for _, f := range o.Files {
			line("file %s: %.8x → %.8x", f.Path, sha256.Sum256(f.Old), sha256.Sum256(f.New))
		}
		images := func(what string, list []bump.ImageChange) {
			for _, i := range list {
				line("%s %s (%s): %s → %s", what, i.Place, i.Container, i.Old, i.New)
			}
		}
		images("image", o.Images)
		images("superseded", o.Superseded)
		for _, m := range o.Mentions {
			line("mention %+v", m)
		}
		for _, n := range o.Notices {
			line("notice %s", n)
		}
	}
	line("exit %d", problem.ExitStatus(err))
	for _, p := range problem.All(err) {
		line("problem %s | %s", p.Error(), p.Hint)
	}
	s.note(w.String())
}

// note keeps a text beside what runs came to.
func (s *site) note(text string) {
	list, _ := resultsOf.LoadOrStore(s.t.Name(), &[]string{})
	texts := list.(*[]string) // of one goroutine: the test's
	*texts = append(*texts, s.neutral(text))
}

var (
	hexes    = regexp.MustCompile(`\b[0-9a-f]{7,40}\b`)
	refusals = regexp.MustCompile(`(notice the branch \S+ stays: ).*`)
	servers  = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
)

// neutral is a text without what is different on each run: commits of the k8s repo, and
// addresses of servers.
func (s *site) neutral(text string) string {
	text = hexes.ReplaceAllStringFunc(text, func(hash string) string {
		if found, _, _, _ := s.repo.Object(hash); found != "" {
			return "<commit>"
		}
		return hash
	})
	text = strings.ReplaceAll(text, s.URL("k8s"), "example/k8s")
	text = refusals.ReplaceAllString(text, "$1as the server says")
	return servers.ReplaceAllString(text, "https://github.com")
}
