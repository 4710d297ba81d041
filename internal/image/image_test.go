package image

import "testing"

func TestParse(t *testing.T) {
	const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for _, c := range []struct{ in, name, tag, digest, repository string }{
		{"nginx", "nginx", "", "", "docker.io/library/nginx"},
		{"nginx:1.27", "nginx", "1.27", "", "docker.io/library/nginx"},
		{"docker.io/nginx:1.27", "docker.io/nginx", "1.27", "", "docker.io/library/nginx"},
		{"index.docker.io/library/nginx", "index.docker.io/library/nginx", "", "", "docker.io/library/nginx"},
		{"example/api:v1", "example/api", "v1", "", "docker.io/example/api"},
		{"localhost:5000/api", "localhost:5000/api", "", "", "localhost:5000/api"},
		{"localhost:5000/api:5000", "localhost:5000/api", "5000", "", "localhost:5000/api"},
		{"ecr.repo/api@" + digest, "ecr.repo/api", "", digest, "ecr.repo/api"},
		{"ecr.repo/api:v1@" + digest, "ecr.repo/api", "v1", digest, "ecr.repo/api"},
	} {
		r, err := Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if r.Name != c.name || r.Tag != c.tag || r.Digest != c.digest || r.Repository() != c.repository {
			t.Errorf("%s: got %#v", c.in, r)
		}
		if r.String() != c.in {
			t.Errorf("%s prints as %s", c.in, r)
		}
	}
	for _, in := range []string{"", ":tag", "API:1", "a b", "$(IMAGE)", "repo:tag:tag", "repo@sha256:12", "http://example.com/api"} {
		if r, err := Parse(in); err == nil {
			t.Errorf("%q is read as %#v", in, r)
		}
	}
}

func TestRepositoriesAreComparedWhole(t *testing.T) {
	api, _ := Parse("ecr.repo/api")
	for _, other := range []string{"ecr.repo/api-worker", "ecr.repo/team/api", "other/api", "api", "localhost:5000/api", "ecr.repo:443/api"} {
		r, err := Parse(other)
		if err != nil {
			t.Fatal(err)
		}
		if r.Repository() == api.Repository() {
			t.Errorf("%s is taken for %s", other, api)
		}
	}
}

func TestParseRepositoryRefusesATag(t *testing.T) {
	if _, err := ParseRepository("ecr.repo/api:1"); err == nil {
		t.Error("a tag passes")
	}
}

func TestFamiliar(t *testing.T) {
	for in, want := range map[string]string{"docker.io/library/nginx:1": "nginx", "docker.io/example/api": "example/api", "ecr.repo/api": "ecr.repo/api"} {
		r, err := Parse(in)
		if err != nil || r.Familiar() != want {
			t.Errorf("%s: got %s, %v, want %s", in, r.Familiar(), err, want)
		}
	}
}

func TestValidTag(t *testing.T) {
	for tag, want := range map[string]bool{"1f0c9ae": true, "v1.2_3-x": true, "": false, "-a": false, "a b": false, "a\n": false, "a/b": false} {
		if got := ValidTag(tag); got != want {
			t.Errorf("ValidTag(%q) = %t", tag, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"nginx", "a:1", "localhost:5000/a:1@sha256:00", "docker.io/library/x", "a@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(s)
		if err != nil {
			return
		}
		if r.String() != s {
			t.Fatalf("%q prints as %q", s, r)
		}
		again, err := Parse(r.With("v1", "").String())
		if err != nil || again.Repository() != r.Repository() || again.Tag != "v1" || again.Digest != "" {
			t.Fatalf("%q with a new tag is %#v, %v", s, again, err)
		}
	})
}
