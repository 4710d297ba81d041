package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// TestTestMerge knows the commit of GITHUB_SHA in a workflow on pull_request by its message.
func TestTestMerge(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t, gittest.Files{"a": "0"})
	base := repo.Tip("main")
	head := repo.Commit("topic", gittest.Files{"a": "1"}, "Change a")
	merge := repo.Commit("topic", gittest.Files{"a": "2"}, "Merge "+head+" into "+base)
	said := repo.Commit("topic", gittest.Files{"a": "3"}, "Merge "+head+" into "+base+" by hand")
	h, err := gitrepo.OpenHistory(repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for next, want := range map[string]deploy.Relation{merge: deploy.TestMerge, merge[:9]: deploy.TestMerge, head: deploy.Diverged, said: deploy.Diverged} {
		if got, err := (deploy.GitHistory{History: h}).Relation(t.Context(), base, next); got != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", next, got, err, want)
		}
	}
}

type fixed struct {
	relation deploy.Relation
	err      error
}

func (f fixed) Relation(context.Context, string, string) (deploy.Relation, error) {
	return f.relation, f.err
}

func (f fixed) Between(context.Context, string, string) (*deploy.Between, error) { return nil, f.err }

// TestShallowCloneWhereTheAPIFails says both, and what to do about the clone.
func TestShallowCloneWhereTheAPIFails(t *testing.T) {
	t.Parallel()
	failing := &deploy.FetchedHistory{Fetch: func(context.Context) (*gitrepo.History, error) {
		return nil, problem.New("give a token", "404 not found")
	}}
	_, err := deploy.Histories{fixed{deploy.CutOff, nil}, failing}.Relation(t.Context(), "a", "b")
	p := problem.All(err)[0]
	if !strings.Contains(p.Message, "404 not found") || !strings.Contains(p.Message, "shallow") || !strings.HasPrefix(p.Hint, "check the service out with fetch-depth: 0") {
		t.Errorf("got %q, %q", p.Message, p.Hint)
	}
	_, err = deploy.Histories{fixed{deploy.OldUnknown, nil}, failing}.Relation(t.Context(), "a", "b")
	if p := problem.All(err)[0]; strings.Contains(p.Message+p.Hint, "shallow") {
		t.Errorf("got %q, %q", p.Message, p.Hint)
	}
	if got, err := (deploy.Histories{fixed{deploy.CutOff, nil}, fixed{deploy.Behind, nil}}).Relation(t.Context(), "a", "b"); got != deploy.Behind || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	broken := errors.New("disk")
	if _, err := (deploy.Histories{fixed{deploy.CutOff, nil}, fixed{deploy.NotKnown, broken}}).Relation(t.Context(), "a", "b"); err != broken {
		t.Errorf("got %v", err)
	}
}

// ending is a History whose answer is the last thing before a run ends.
type ending struct {
	fixed
	end context.CancelFunc
}

func (e ending) Relation(ctx context.Context, running, next string) (deploy.Relation, error) {
	e.end()
	return e.fixed.Relation(ctx, running, next)
}

// TestInterruptedAfterTheOrderIsKnown is no success: nothing was deployed.
func TestInterruptedAfterTheOrderIsKnown(t *testing.T) {
	t.Parallel()
	files := siteOf("api")
	files["environments/dev.yaml"] = byCommit
	s := newSite(t, files)
	ctx, cancel := context.WithCancel(t.Context())
	s.History = func(bump.Target) deploy.History { return ending{fixed{deploy.Ahead, nil}, cancel} }
	if outcome, err := s.Run(ctx); err == nil || err.Error() != "interrupted" {
		t.Errorf("got %s, %v", outcome.Status, err)
	}
}
