package deploy

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

const inProd = "prod/manifests/api/api-prod-deployment.yaml"

func prodRuns(ref string) string {
	return "spec:\n  containers:\n    - {name: api, image: '" + ref + "'}\n"
}

// prodRepo is a repository in which prod ran these references of api, one after another.
func prodRepo(t *testing.T, server *gittest.Server, refs ...string) *gittest.Repo {
	t.Helper()
	repo := server.NewRepo("k8s", gittest.Files{
		"users.yaml":             "services: [{name: api, image: example.com/api}]\n",
		"environments/prod.yaml": "deploy: {strategy: push}\n",
		inProd:                   prodRuns(refs[0]),
	})
	for _, ref := range refs[1:] {
		repo.Commit("main", gittest.Files{inProd: prodRuns(ref)}, "api: prod "+ref)
	}
	return repo
}

func prodDeployment(t *testing.T, url string) Deployment {
	t.Helper()
	remote, err := gitrepo.Open(url, gitrepo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remote.Close() })
	return Deployment{
		Selection: bump.Selection{Env: "prod", Services: []string{"api"}}, Remote: remote,
		Author: gitrepo.Signature{Name: "Bot", Email: "bot@example.com"},
		Now:    func() time.Time { return time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC) },
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:0123456789012345678901234567890123456789012345678901234567890123"
	for _, c := range []struct {
		name string
		refs []string
		to   string
		want string // the image, or what the error says
	}{
		{"to the tag before", []string{"example.com/api:1", "example.com/api:2", "example.com/api:3"}, "", "api:2"},
		{"past changes of the same tag", []string{"example.com/api:1", "example.com/api:2", "example.com/api:2'} #{'"}, "", "api:1"},
		{"to a digest", []string{"example.com/api" + digest, "example.com/api:2"}, "", "api" + digest},
		{"to a tag and its digest", []string{"example.com/api:1" + digest, "example.com/api:1"}, "", "api:1" + digest},
		{"past a tag of another image", []string{"example.com/api:1", "example.com/other:7", "example.com/api:2"}, "", "api:1"},
		{"past what was no YAML", []string{"example.com/api:1", "'", "example.com/api:2"}, "", "api:1"},
		{"to a tag long ago", []string{"example.com/api:1", "example.com/api:2", "example.com/api:3"}, "1", "api:1"},
		{"not to a tag that never ran", []string{"example.com/api:1", "example.com/api:2"}, "7", "7 has not run in prod"},
		{"not to what is no tag", []string{"example.com/api:1", "example.com/api:2"}, "-", `"-" cannot be a tag`},
		{"not to nothing", []string{"example.com/api:2"}, "", "there is no tag of api to go back to in prod"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := gittest.NewServer(t, gittest.Options{})
			repo := prodRepo(t, server, c.refs...)
			outcome, err := (&Rollback{Deployment: prodDeployment(t, server.URL("k8s")), To: c.to}).Run(t.Context())
			if err != nil {
				if !strings.HasPrefix(err.Error(), c.want) || outcome.Status != Failed {
					t.Errorf("got %s, %v", outcome.Status, err)
				}
				return
			}
			if got := repo.Read("main", inProd); outcome.Status != Changed || !strings.Contains(got, "example.com/"+c.want+"'") {
				t.Errorf("got %s and\n%s", outcome.Status, got)
			}
			repo.Fsck()
		})
	}
}

func TestRollbackDoesNotUndoWhatCameInBetween(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := prodRepo(t, server, "example.com/api:1111111", "example.com/api:2222222")
	server.Fail(gittest.Push, gittest.Fault{Then: func() {
		repo.Commit("main", gittest.Files{inProd: prodRuns("example.com/api:3333333")}, "meanwhile")
	}})
	d := prodDeployment(t, server.URL("k8s"))
	d.History = func(bump.Target) History { return newest{} }
	outcome, err := (&Rollback{Deployment: d}).Run(t.Context())
	if err != nil || outcome.Status != Superseded || !strings.Contains(repo.Read("main", inProd), "3333333") {
		t.Errorf("got %v, %v", outcome, err)
	}
}

// newest is a history in which the greater hash is the newer.
type newest struct{}

func (newest) Relation(_ context.Context, running, next string) (Relation, error) {
	if next < running {
		return Behind, nil
	}
	return Ahead, nil
}

func TestHeld(t *testing.T) {
	t.Parallel()
	for _, marked := range []bool{true, false} {
		t.Run(fmt.Sprintf("marked %v", marked), func(t *testing.T) {
			t.Parallel()
			server := gittest.NewServer(t, gittest.Options{})
			repo := prodRepo(t, server, "example.com/api:1111111", "example.com/api:3333333")
			d := prodDeployment(t, server.URL("k8s"))
			d.History = func(bump.Target) History { return newest{} }
			back, err := (&Rollback{Deployment: d}).Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if marked {
				repo.Commit("main", gittest.Files{"a": "b"}, "something else")
			} else {
				repo.Git("update-ref", "-d", "refs/tagbump/rollback/prod/api")
			}
			for tag, want := range map[string]string{
				"3333333": "api: 3333333 was rolled back to 1111111 in prod, on 2026-01-03 by commit " + back.Commit[:10],
				"2222222": "api: 2222222, which is no newer than 3333333, was rolled back to 1111111 in prod, on 2026-01-03 by commit " + back.Commit[:10],
				"4444444": "",
				"0000000": "", // superseded by the order, not held
			} {
				if got := heldText(t, server, tag, false); got != want && !(tag == "0000000" && strings.HasPrefix(got, "api: 0000000")) {
					t.Errorf("%s: got %q, want %q", tag, got, want)
				}
			}
			if got := heldText(t, server, "3333333", true); got != "" {
				t.Errorf("with force: got %q", got)
			}
		})
	}
}

// heldText is what held says of a tag; "" lets it through.
func heldText(t *testing.T, server *gittest.Server, tag string, force bool) string {
	t.Helper()
	d := prodDeployment(t, server.URL("k8s"))
	d.History = func(bump.Target) History { return newest{} }
	d.Tag, d.Force = tag, force
	base, err := d.tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request, err := d.Request(base.files(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	files, err := read(t.Context(), base, request, base.paths)
	if err != nil {
		t.Fatal(err)
	}
	result, err := bump.Edit(request, files)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.held(t.Context(), base, request, result); err != nil {
		return problem.All(err)[0].Message
	}
	return ""
}

func TestNothingRolledBackCostsNothing(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	prodRepo(t, server, "example.com/api:1")
	d := prodDeployment(t, server.URL("k8s"))
	tip, err := d.Remote.Tip(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	server.Reset()
	if chain, err := rolled(t.Context(), tip, "prod", "api"); chain != nil || err != nil || server.Count() != 0 {
		t.Errorf("got %v, %v and %d requests", chain, err, server.Count())
	}
}

func TestActive(t *testing.T) {
	t.Parallel()
	chain := []Rolled{{From: "2", To: "1"}, {From: "3", To: "2"}, {From: "9", To: "8"}}
	for running, want := range map[string]int{"1": 2, "2": 0, "7": 0} {
		if got := active(chain, running); len(got) != want {
			t.Errorf("%s: got %v", running, got)
		}
	}
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	text := "api: prod 2 → 1\n\n" + trailers([]Rolled{{"prod", "api", "2", "1", gitrepo.Hash{}, time.Time{}}, {"prod", "api", "3", "2", gitrepo.Hash{}, time.Time{}}})
	got := parseRolled(strings.ReplaceAll(text, "\n", "\r\n"), &gitrepo.Tip{}) // as GitHub's squash writes it
	if len(got) != 2 || got[0].From != "2" || got[1].From != "3" || got[0].Env != "prod" {
		t.Errorf("got %v from\n%s", got, text)
	}
	if got := parseRolled("Tagbump-Rollback: api 2 → 1\n", &gitrepo.Tip{}); got != nil {
		t.Errorf("without an environment: got %v", got)
	}
}
