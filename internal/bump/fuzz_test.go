package bump

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
)

// FuzzFile edits any bytes, with any request. An edit that was made changes nothing the
// second time and finds as many images; what is refused leaves no result.
func FuzzFile(f *testing.F) {
	files, err := filepath.Glob("../manifest/testdata/images/*/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for n, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 5_000 {
			f.Add(data, uint16(n*37))
		}
	}
	for n, s := range manifest.Shapes() {
		f.Add([]byte(strings.ReplaceAll(s.Example, "example.com/api", "ecr.repo/api")), uint16(n*211))
	}
	for n, s := range []string{
		"image: ecr.repo/api:1\nsops: {mac: ENC[x], mac_only_encrypted: true}\n",
		"image: ecr.repo/api:1\nsops:\n  mac: ENC[x]\n",
		"images: [{name: ecr.repo/api}, {name: x, newName: ecr.repo/api, newTag: '1', digest: ~}, 'x=ecr.repo/api:1']\n",
		"a: &a {registry: ecr.repo, repository: api, tag: 1}\nb: {<<: *a, tag: 2}\nc: {<<: [*a], sha: ''}\n",
		"# image:\n#   repository: ecr.repo/api\n#   tag: 1\nimage: ecr.repo/api:1\nx: |\n  image: {repository: ecr.repo/api, tag: 1}\n",
		"image: ecr.repo/api:${TAG}\nb: {repository: ecr.repo/api, tag: '${TAG}'}\nc: ecr.repo/api:1\n",
		"kind: List\nitems: [{status: {image: ecr.repo/api:1}, spec: {image: ecr.repo/api:1}}]\n",
		"a: 1 # tagbump: ecr.repo/api\nb: [1, 2] # tagbump: ecr.repo/api\nc: # tagbump: x y\n",
	} {
		for flags := range uint16(8) {
			f.Add([]byte(s), flags<<2+uint16(n))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, flags uint16) {
		r := fuzzRequest(t, flags)
		name := "dev/manifests/" + []string{"a.yaml", "kustomization.yaml", "users/alice/a.json", "x/y.yml"}[flags%4]
		result, err := Edit(r, []File{{name, bytes.Clone(data)}})
		if err != nil {
			if result != nil && !errors.Is(err, ErrNoMatch) {
				t.Fatalf("refused, with a result: %v", err)
			}
			if errors.Is(err, ErrNoMatch) {
				if text := r.NoMatch(result, []File{{name, data}}, func(*Query) []File { return []File{{name, data}} }); text == nil {
					t.Fatal("nothing is found, and nothing is said")
				}
			}
			return
		}
		if !result.Changed() {
			return
		}
		next := result.Files[0].New
		again, err := Edit(r, []File{{name, bytes.Clone(next)}})
		if err != nil || again.Changed() || len(again.Images) != len(result.Images) {
			t.Fatalf("%q\nbecame\n%q\nand then %v, %+v", data, next, err, again)
		}
		if r.Mentions(data) && !r.Mentions(next) {
			t.Fatalf("%q\nbecame\n%q\nwhich is passed over", data, next)
		}
		// An image may be continued on the next line, in double quotes: then it becomes one line.
		continued := bytes.Contains(data, []byte("\\\n")) || bytes.Contains(data, []byte("\\\r"))
		if lines := bytes.Count(next, []byte("\n")) - bytes.Count(data, []byte("\n")); lines < 0 && !continued || lines > len(result.Images) {
			t.Fatalf("%q\nbecame\n%q\nwith %d lines more", data, next, lines)
		}
	})
}

// fuzzRequest is a request made of bits.
func fuzzRequest(t *testing.T, flags uint16) *Request {
	bit := func(n int) bool { return flags>>n&1 != 0 }
	r := request(t, "ecr.repo/api")
	if bit(2) {
		r.Tag = "1e3"
	}
	if bit(3) {
		r.Digest = newDigest
	}
	if bit(4) {
		r.Targets[0].Rename = mustRepository("ecr.repo/api-dev")
	}
	if bit(5) {
		r.Container = "api"
	}
	fields := []string{"", "**", "**.args[*]", "image", "spec.*", "[*]", "images[*]", "**[name=api].value"}
	if field := fields[flags>>6&7]; field != "" {
		path, err := manifest.ParsePath(field)
		if err != nil {
			t.Fatal(err)
		}
		r.Fields = []manifest.Path{path}
	}
	if bit(9) {
		r.Only = []string{"**/*.yaml"}
	}
	if bit(10) {
		r.Skip = []string{"users/**"}
	}
	if bit(11) {
		r.User = "alice"
	}
	if bit(12) {
		r.Expect = 1
	}
	if bit(13) && r.Digest != "" {
		r.Tag = ""
	}
	return r
}
