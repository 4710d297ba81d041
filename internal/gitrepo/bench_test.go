package gitrepo_test

import (
	"fmt"
	"io/fs"
	"testing"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

// BenchmarkBump is one bump, from tip to push, against git http-backend on this
// machine, most of whose time it is.
func BenchmarkBump(b *testing.B) {
	for _, services := range []int{250, 2500} {
		name := fmt.Sprintf("%dk", services*20/1000) // files
		server := gittest.NewServer(b, gittest.Options{})
		repo := server.NewRepo("k8s", gittest.Many(services, "dev", "qa", "stage", "prod", "spare"))
		repo.Git("repack", "-adq")
		for _, how := range []struct {
			name  string
			limit func(*gittest.Repo)
		}{
			{"tree", func(*gittest.Repo) {}},
			{"blob", (*gittest.Repo).NoTreeFilter},
			{"whole", (*gittest.Repo).NoFilter},
		} {
			how.limit(repo)
			b.Run(name+"/"+how.name, func(b *testing.B) {
				server.Reset()
				b.ReportAllocs()
				for i := range b.N {
					r := open(b, server.URL("k8s"), gitrepo.Options{})
					content := fmt.Sprintf("image: x:%s-%d-%d\n", how.name, b.N, i)
					if err := bump(b.Context(), r, "main", "dev/manifests/s00007/s00007-dev-deployment.yaml", content); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(server.Count())/float64(b.N), "requests/op")
				b.ReportMetric(float64(server.Down())/float64(b.N), "B-down/op")
			})
		}
	}
}

// BenchmarkReadAll reads every file of a repository through its FS, after one
// fetch.
func BenchmarkReadAll(b *testing.B) {
	repo := gittest.NewRepo(b, gittest.Many(2500, "dev", "qa", "stage", "prod", "spare"))
	tip := tipOf(b, open(b, repo.URL(), gitrepo.Options{}), "main")
	if err := tip.Fetch(b.Context(), "."); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		fsys, n := tip.FS(b.Context()), 0
		err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			n++
			_, err = fsys.ReadFile(path)
			return err
		})
		if err != nil || n != 50_000 {
			b.Fatalf("%d files, %v", n, err)
		}
	}
}
