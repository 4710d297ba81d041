package bump

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/image"
)

func TestMatchGlob(t *testing.T) {
	for _, c := range []struct {
		glob, file string
		want       bool
	}{
		{"*.yaml", "a/b/c.yaml", true},
		{"c.yaml", "a/b/c.yaml", true},
		{"b", "a/b/c.yaml", false},
		{"a/*.yaml", "a/c.yaml", true},
		{"a/*.yaml", "a/b/c.yaml", false},
		{"a/**", "a/b/c.yaml", true},
		{"a/", "a/b/c.yaml", true},
		{"**/c.yaml", "c.yaml", true},
		{"**/templates/**", "templates/a.yaml", true},
		{"**/templates/**", "my-templates/a.yaml", false},
		{"a/**/c.yaml", "a/c.yaml", true},
		{"./a/*", "a/c.yaml", true},
		{"**", "a/b.yaml", true},
	} {
		if got := MatchGlob(c.glob, c.file); got != c.want {
			t.Errorf("%q and %q: got %t", c.glob, c.file, got)
		}
	}
}

// TestNarrowing refuses globs of which an element could match nothing, and prints flags as a
// shell takes them.
func TestNarrowing(t *testing.T) {
	for glob, valid := range map[string]bool{"api/*.yaml": true, "[ab]*": true, "**/x": true, "a/": true, "": false, "[": false, "a/[b": false, "[a/b]": false} {
		if err := (&Narrowing{Only: []string{glob}}).Validate(); (err == nil) != valid {
			t.Errorf("%q: got %v", glob, err)
		}
	}
	n := Narrowing{Only: []string{"api/a.yaml"}, Skip: []string{"*.json"}, User: "a b", Container: "it's"}
	if got, want := n.String(), `--only api/a.yaml --skip '*.json' --user 'a b' --container 'it'\''s'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCovers(t *testing.T) {
	root := Query{Env: "dev", Root: "."}
	for file, want := range map[string]bool{
		"users.yaml": false, "environments/dev.yaml": false, "templates/a.yaml": false, "holds/dev/api.yaml": false, ".github/workflows/ci.yaml": false,
		"apps/users.yaml": true, "chart/templates/a.yaml": true, "a.json": true, "a.txt": false, ".argocd-source-a.yaml": true,
	} {
		if got := root.Covers(file); got != want {
			t.Errorf("%s: got %t", file, got)
		}
	}
	if q := (&Query{Env: "dev"}); q.Covers("prod/manifests/a.yaml") || !q.Covers("dev/manifests/a.yaml") {
		t.Error("the environment's folder is not what is covered")
	}
}

// TestImageOfAnEnvironment resolves services to the environment's own repository.
func TestImageOfAnEnvironment(t *testing.T) {
	repo := fstest.MapFS{
		"users.yaml":             {Data: []byte("services: [{name: api, image: ecr.repo/api}, {name: web, image: ecr.repo/web}]\n")},
		"environments/prod.yaml": {Data: []byte("registry: eu.repo\npath: live\nservices: {web: {image: other.repo/web-prod}}\n")},
	}
	q, err := (&Selection{Env: "prod", Services: []string{"api", "web"}}).Query(repo)
	if err != nil {
		t.Fatal(err)
	}
	if q.Dir() != "live" || q.Targets[0].Repository.Name != "eu.repo/api" || q.Targets[1].Repository.Name != "other.repo/web-prod" {
		t.Errorf("got %s, %+v", q.Dir(), q.Targets)
	}
}

// TestRead changes nothing, reads aliases, and reports files that may hold the image.
func TestRead(t *testing.T) {
	q := request(t, "ecr.repo/api").Query
	images, problems := q.Read([]File{
		{"dev/manifests/b.yaml", []byte("x: &i 'ecr.repo/api:1'\nspec: {containers: [{image: *i}]}\nother: *i\n")},
		{"dev/manifests/a.yaml", []byte("image: {registry: ecr.repo, repository: api, tag: 2}\n")},
		{"dev/manifests/c.yaml", []byte("image: [ecr.repo/api:3\n")},
		{"dev/manifests/d.yaml", []byte("a: [\n")},
		{"prod/manifests/a.yaml", []byte("image: ecr.repo/api:4\n")},
	})
	var got []string
	for _, i := range images {
		got = append(got, i.Place.File+" "+i.Ref.TagOrDigest())
	}
	if want := "dev/manifests/a.yaml 2, dev/manifests/b.yaml 1"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(problems) != 1 || problems[0].Place.File != "dev/manifests/c.yaml" {
		t.Errorf("got problems %v", problems)
	}
}

// TestResolveDigests pins each target to its own digest.
func TestResolveDigests(t *testing.T) {
	r := request(t, "ecr.repo/api", "ecr.repo/web")
	digests := map[string]string{"ecr.repo/api:9f2c1ab": "sha256:" + strings.Repeat("a", 64), "ecr.repo/web:9f2c1ab": "sha256:" + strings.Repeat("b", 64)}
	if err := r.ResolveDigests(context.Background(), func(_ context.Context, ref string) (string, error) { return digests[ref], nil }); err != nil {
		t.Fatal(err)
	}
	result, err := Edit(r, []File{{"dev/manifests/a.yaml", []byte("a: {image: ecr.repo/api:1}\nb: {repository: ecr.repo/web, tag: 1}\nc: v1 # tagbump: ecr.repo/web\n")}})
	if err != nil {
		t.Fatal(err)
	}
	want := "a: {image: ecr.repo/api:9f2c1ab@" + digests["ecr.repo/api:9f2c1ab"] + "}\nb: {repository: ecr.repo/web, tag: 9f2c1ab@" + digests["ecr.repo/web:9f2c1ab"] + "}\nc: 9f2c1ab # tagbump: ecr.repo/web\n"
	if got := string(result.Files[0].New); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	again, err := Edit(r, []File{{"dev/manifests/a.yaml", []byte(want)}})
	if err != nil || again.Changed() {
		t.Errorf("a second edit: %v, %v", again, err)
	}
}

func TestReferences(t *testing.T) {
	for text, want := range map[string]string{
		"shop=shop:1":                         "shop;shop:1",
		"a/shop:1 shop-b:1 x.shop:1 shop.":    "",
		"oci://shop:1":                        "shop:1",
		"'shop@sha256:ab12', shop:1@sha256:c": "shop@sha256:ab12;shop:1@sha256:c",
	} {
		var got []string
		for r := range references([]byte(text), "shop") {
			got = append(got, r.text([]byte(text)))
		}
		if strings.Join(got, ";") != want {
			t.Errorf("%q: got %v, want %s", text, got, want)
		}
	}
	if ref, err := image.ParseRepository("nginx"); err != nil || strings.Join(spellings(ref), " ") != "docker.io/library/nginx nginx" {
		t.Errorf("spellings: %v", spellings(ref))
	}
}
