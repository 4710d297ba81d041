package gitrepo_test

import (
	"context"
	"testing"
	"time"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

const deployment = "dev/manifests/api/api-dev-deployment.yaml"

// sample is a small k8s repo with every kind of entry in it.
func sample() gittest.Files {
	return gittest.Files{
		"users.yaml":            "services: []\n",
		"environments/dev.yaml": "deploy: {strategy: push}\n",
		deployment:              "image: api:1 # keep\r\n",
		"dev/manifests/api/api-dev-service.yaml":    "port: 80\n",
		"dev/manifests/web/web-dev-deployment.yaml": "image: web:1\n",
		"100755 scripts/run.sh":                     "#!/bin/sh\n",
		"120000 dev/manifests/link":                 "../../users.yaml",
		"120000 dev/outside":                        "/etc",
		"160000 vendor/module":                      "1234567890123456789012345678901234567890",
		"binary":                                    "\x00\xff\xfe\r\n\x80",
	}
}

var meta = gitrepo.CommitMeta{
	Author:  gitrepo.Signature{Name: "Bot", Email: "bot@example.com", When: time.Unix(1_700_000_000, 0).UTC()},
	Message: "api: dev 1 → 2",
}

func open(t testing.TB, url string, o gitrepo.Options) *gitrepo.Remote {
	t.Helper()
	r, err := gitrepo.Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func tip(t testing.TB, r *gitrepo.Remote, branch string) *gitrepo.Tip {
	t.Helper()
	tip, err := r.Tip(context.Background(), branch)
	if err != nil {
		t.Fatal(err)
	}
	return tip
}

func commit(t testing.TB, tip *gitrepo.Tip, changes map[string][]byte) *gitrepo.Commit {
	t.Helper()
	c, err := tip.Commit(context.Background(), changes, meta)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bump replaces one file on a branch, from tip to push.
func bump(ctx context.Context, r *gitrepo.Remote, branch, path, content string) error {
	tip, err := r.Tip(ctx, branch)
	if err != nil {
		return err
	}
	if err := tip.Fetch(ctx, path); err != nil {
		return err
	}
	c, err := tip.Commit(ctx, map[string][]byte{path: []byte(content)}, meta)
	if err != nil {
		return err
	}
	return r.Push(ctx, tip.Branch, tip.Hash, c)
}

func TestBump(t *testing.T) {
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("k8s", sample())
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	if err := bump(context.Background(), r, "", deployment, "image: api:2\n"); err != nil {
		t.Fatal(err)
	}
	for _, l := range server.Log() {
		t.Logf("%+v", l)
	}
	t.Log(repo.Read("main", deployment))
	repo.Fsck()
}
