package manifest_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/manifest"
	"k8srepo/internal/testmain"
)

var update = flag.Bool("update", false, "write what becomes of the files into testdata/images")

// hardCase is a folder of testdata/images: a file as people have them, and what
// becomes of it.
type hardCase struct {
	name    string
	file    string // in.yaml, in.json or kustomization.yaml
	in      []byte
	want    []byte // nil where it is to be refused
	refused string // by these problems, one a line
	request *bump.Request
	nothing bool // is to be found
}

// hardCases reads testdata/images. A folder has the file in its first state; in
// its last one, or what it is refused for; and where it is not that ecr.repo/api
// is to run 9f2c1ab, what is asked for.
func hardCases(t testing.TB) []hardCase {
	const root = "testdata/images"
	folders, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var cases []hardCase
	for _, folder := range folders {
		c := hardCase{name: folder.Name()}
		asked := ""
		entries, err := os.ReadDir(filepath.Join(root, c.name))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(root, c.name, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			switch name := e.Name(); {
			case name == "request":
				asked = string(data)
			case name == "refused":
				c.refused = string(data)
			case strings.HasPrefix(name, "want."):
				c.want = data
			default:
				c.file, c.in = name, data
			}
		}
		c.request, c.nothing = parseRequest(t, asked)
		cases = append(cases, c)
	}
	return cases
}

// parseRequest reads lines of flags and their values.
func parseRequest(t testing.TB, text string) (r *bump.Request, nothing bool) {
	r = &bump.Request{Query: bump.Query{Env: "dev"}, Tag: "9f2c1ab"}
	repository := "ecr.repo/api"
	var renames []string
	for line := range strings.Lines(text) {
		flag, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch flag {
		case "image":
			repository = value
		case "rename":
			renames = append(renames, value)
		case "tag":
			r.Tag = strings.Trim(value, "-")
		case "digest":
			r.Digest = value
		case "field":
			path, err := manifest.ParsePath(value)
			if err != nil {
				t.Fatal(err)
			}
			r.Fields = append(r.Fields, path)
		case "nomatch":
			nothing = true
		default:
			t.Fatalf("unknown line %q in a request", line)
		}
	}
	target, err := bump.ParseTarget(repository, renames)
	if err != nil {
		t.Fatal(err)
	}
	r.Targets = []bump.Target{target}
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	return r, nothing
}

// bump is the case's file as a bump leaves it.
func (c hardCase) bump(in []byte) ([]byte, error) {
	file := bump.File{Path: "dev/manifests/" + c.file, Data: bytes.Clone(in)}
	result, err := bump.Edit(c.request, []bump.File{file})
	if !bytes.Equal(file.Data, in) {
		return nil, errors.New("the bytes of the file that was read have changed")
	}
	if err != nil {
		return nil, err
	}
	for _, change := range result.Files {
		in = change.New
	}
	return in, nil
}

func TestHardCases(t *testing.T) {
	for _, c := range hardCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.bump(c.in)
			switch {
			case c.nothing:
				if *update && err == nil {
					writeWant(t, c, got)
				} else if !errors.Is(err, bump.ErrNoMatch) {
					t.Fatalf("got %q, %v; want that nothing is found", got, err)
				}
				return
			case !c.request.Mentions(c.in):
				t.Fatal("the screen would pass the file over")
			case c.want == nil:
				switch {
				case *update && err == nil:
					writeWant(t, c, got)
				case err == nil:
					t.Fatalf("got\n%q\nwant it refused", got)
				case *update:
					writeRefused(t, c.name, err)
				case err.Error()+"\n" != c.refused:
					t.Fatalf("refused for\n%v\nwant\n%s", err, c.refused)
				}
				return
			case *update && err != nil:
				writeRefused(t, c.name, err)
				return
			case *update:
				writeWant(t, c, got)
			case err != nil:
				t.Fatalf("%v\nin\n%.300q", err, c.in)
			case !bytes.Equal(got, c.want):
				t.Fatal(firstDifference(got, c.want))
			}
			again, err := c.bump(got)
			if err != nil || !bytes.Equal(again, got) {
				t.Fatalf("the second time it is %v, %s", err, firstDifference(again, got))
			}
		})
	}
}

func writeWant(t *testing.T, c hardCase, want []byte) {
	if err := os.WriteFile(filepath.Join("testdata/images", c.name, "want"+filepath.Ext(c.file)), want, 0o666); err != nil {
		t.Fatal(err)
	}
}

func writeRefused(t *testing.T, name string, err error) {
	if err := os.WriteFile(filepath.Join("testdata/images", name, "refused"), []byte(err.Error()+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
}

func firstDifference(got, want []byte) string {
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	around := func(b []byte) []byte { return b[max(0, at-60):min(len(b), at+60)] }
	return fmt.Sprintf("at byte %d\ngot  …%q\nwant …%q", at, around(got), around(want))
}

// TestImagesOfAHugeMap is done in a moment: what a map has itself was once looked
// up key by key, which took minutes here.
func TestImagesOfAHugeMap(t *testing.T) {
	var b strings.Builder
	b.WriteString("kind: Pod\nspec: {containers: [{name: a, image: example.com/api:1}]}\ndata:\n")
	keys := 40_000
	if testmain.Race {
		keys /= 4
	}
	for i := range keys {
		fmt.Fprintf(&b, "  k%d: v\n", i)
	}
	f, err := manifest.Parse("a.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if got := f.Images(); len(got) != 1 {
		t.Errorf("%d images", len(got))
	}
	if took := time.Since(start); took > 5*time.Second && !testmain.Race {
		t.Errorf("it took %v", took)
	}
}
