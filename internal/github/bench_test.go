package github_test

import (
	"testing"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
)

// BenchmarkAPI is a change without Git, 30 ms a round trip: a push, and a pull
// request with everything on it.
func BenchmarkAPI(b *testing.B) {
	for name, do := range map[string]func(b *testing.B, c *github.Client, at github.Repo){
		"push": func(b *testing.B, c *github.Client, at github.Repo) {
			tip, err := c.Tip(b.Context(), at, "", "users.yaml", "environments", api)
			if err == nil {
				_, err = tip.Commit(b.Context(), change("image: api:2\n"))
			}
			if err != nil {
				b.Fatal(err)
			}
		},
		"pull request": func(b *testing.B, c *github.Client, at github.Repo) {
			ctx := b.Context()
			must := func(err error) {
				if err != nil {
					b.Fatal(err)
				}
			}
			tip, err := c.Tip(ctx, at, "", "users.yaml", "environments", api)
			must(err)
			_, err = c.PullRequests(ctx, at, head)
			must(err)
			_, err = tip.Propose(ctx, head, "", change("image: api:2\n"))
			must(err)
			pull, err := c.CreatePullRequest(ctx, at, newPull())
			must(err)
			must(c.AddLabels(ctx, at, pull.Number, []string{"deploy"}))
			_, err = c.AddAssignees(ctx, at, pull.Number, []string{"carol"})
			must(err)
			_, err = c.RequestReviews(ctx, at, pull.Number, []string{"carol"}, []string{"sre"})
			must(err)
		},
	} {
		b.Run(name, func(b *testing.B) {
			server := ghtest.NewServer(b, ghtest.Options{Token: token, Latency: 30 * time.Millisecond})
			trips := 0
			for b.Loop() {
				b.StopTimer()
				repo := server.AddRepo("example/k8s", gittest.NewRepo(b, gittest.Files{file: "image: api:1\n", "users.yaml": "services: []\n"}))
				repo.Collaborators, repo.Teams = []string{"carol"}, []string{"sre"}
				client, err := github.New(github.Options{Token: token, ServerURL: server.URL, APIURL: server.APIURL()})
				if err != nil {
					b.Fatal(err)
				}
				server.Reset()
				b.StartTimer()
				do(b, client, github.Repo{Owner: "example", Name: "k8s"})
				trips += server.Count()
			}
			b.ReportMetric(float64(trips)/float64(b.N), "round-trips/op")
		})
	}
}
