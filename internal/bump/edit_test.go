package bump

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// request asks for images to run 9f2c1ab in dev.
func request(t testing.TB, repositories ...string) *Request {
	t.Helper()
	r := &Request{Query: Query{Env: "dev"}, Tag: "9f2c1ab"}
	for _, repository := range repositories {
		target, err := ParseTarget(repository, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Targets = append(r.Targets, target)
	}
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	return r
}

func pod(images ...string) []byte {
	var b strings.Builder
	b.WriteString("kind: Pod\nspec:\n  containers:\n")
	for i, image := range images {
		fmt.Fprintf(&b, "  - name: c%d\n    image: %s\n    env:\n    - {name: A, value: \"%d\"}\n", i, image, i)
	}
	return []byte(b.String())
}

func TestMentions(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"plain":                       {"image: ecr.repo/api:1", true},
		"part of another name":        {"image: ecr.repo/api-worker:1", false},
		"behind an escape":            {`image: "\tapi:1"`, true},
		"nothing":                     {"image: ecr.repo/web:1", false},
		"escaped letter":              {`"image": "ecr.repo/\u0061pi:1"`, true},
		"escaped key":                 {`"im\x61ge": "ecr.repo/api:1"`, true},
		"continued line":              {"image: \"ecr.repo/a\\\n  pi:1\"", true},
		"a pattern, no letter hidden": {`value: "^\d+\\u$"`, false},
		"backslash at the end":        {`\`, false},
		"a marker of nothing":         {"a: v1 # tagbump: Ecr.repo/WEB\nb: 1 # tagbump: ecr.repo/web", true},
		"a marker of another":         {"a: v1 # tagbump: localhost:5000/web", false},
		"UTF-16":                      {"i\x00m\x00:\x00 \x00a\x00p\x00i\x00", true},
		"UTF-16 of another":           {"i\x00m\x00:\x00 \x00w\x00e\x00b\x00", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := request(t, "ecr.repo/api").Mentions([]byte(c.text)); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// TestUnreadableFile is refused where it may run the image, and else left alone.
func TestUnreadableFile(t *testing.T) {
	for name, c := range map[string]struct {
		repository, text string
		refused          bool
	}{
		"whole name":           {"ecr.repo/api", "image: ecr.repo/api:1", true},
		"a bare word":          {"ecr.repo/api", "# ecr.repo/api", false},
		"template behind it":   {"ecr.repo/api", "image: ecr.repo/api:{{ .tag }}", true},
		"longer name":          {"ecr.repo/api", "image: ecr.repo/api-worker:1", false},
		"deeper name":          {"ecr.repo/api", "image: x.ecr.repo/api:1", false},
		"both":                 {"ecr.repo/api", "image: ecr.repo/apis:1 ecr.repo/api:1", true},
		"escaped":              {"ecr.repo/api", `"ecr\u002erepo\/api:1"`, true},
		"short for Docker":     {"docker.io/library/nginx", "image: nginx:1", true},
		"in full for Docker":   {"nginx", "image: docker.io/library/nginx:1", true},
		"a word in a sentence": {"nginx", "path: /etc/nginx.conf", false},
	} {
		t.Run(name, func(t *testing.T) {
			files := []File{{"dev/manifests/a.yaml", pod(c.repository + ":1")}, {"dev/manifests/b.yaml", []byte(c.text + "\n{{ broken }}: [\n")}}
			result, err := Edit(request(t, c.repository), files)
			if c.refused {
				if err == nil || !strings.Contains(err.Error(), "dev/manifests/b.yaml:2: this is not YAML") || result != nil {
					t.Errorf("got %v, %v; want b.yaml refused, and no result", result, err)
				}
			} else if err != nil || len(result.Files) != 1 {
				t.Errorf("got %v, want a.yaml changed", err)
			}
		})
	}
}

func TestBumpIsAllOrNothing(t *testing.T) {
	files := []File{
		{"dev/manifests/b.yaml", []byte("spec: {containers: [{image: &i 'ecr.repo/api:1', name: *i}]}\n")},
		{"dev/manifests/a.yaml", []byte("x: [\nimage: ecr.repo/api:1\n")},
		{"dev/manifests/c.yaml", pod("ecr.repo/api:1")},
	}
	result, err := Edit(request(t, "ecr.repo/api"), files)
	if result != nil || err == nil {
		t.Fatalf("got %v, %v", result, err)
	}
	for i, want := range []string{"dev/manifests/a.yaml:2", "dev/manifests/b.yaml:1:29"} {
		if lines := strings.Split(err.Error(), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[i], want) {
			t.Errorf("got %q, want problem %d at %s", lines, i, want)
		}
	}
}

func TestBumpTellsWhatItFound(t *testing.T) {
	files := []File{{"dev/manifests/b.yaml", pod("ecr.repo/api:1", "ecr.repo/web:9", "ecr.repo/api:9f2c1ab")}, {"dev/manifests/a.yaml", pod("ecr.repo/api:2")}}
	result, err := Edit(request(t, "ecr.repo/api"), files)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(result.OldTags()); got != "[2 1]" {
		t.Errorf("the old tags are %s", got)
	}
	if len(result.Images) != 3 || len(result.Files) != 2 || result.Files[0].Path != "dev/manifests/a.yaml" || result.Images[2].Changed() {
		t.Errorf("got %+v", result)
	}
	if _, err := Edit(request(t, "ecr.repo/api", "ecr.repo/none"), files); !errors.Is(err, ErrNoMatch) {
		t.Errorf("got %v, want that a target is missing", err)
	}
}

func BenchmarkBump(b *testing.B) {
	r := request(b, "ecr.repo/api")
	data := pod("ecr.repo/proxy:1", "ecr.repo/api:1", "ecr.repo/web:1")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Tag = "b" + strconv.Itoa(i)
		if _, err := Edit(r, []File{{"dev/manifests/a.yaml", data}}); err != nil {
			b.Fatal(err)
		}
	}
}
