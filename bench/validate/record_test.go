package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
	"k8srepo/internal/testmain"
	"k8srepo/internal/validate"
)

// differs matches the mistakes that an API server takes and validate refuses, on purpose: see
// docs/validation.md.
var differs = regexp.MustCompile(` is (99999999999999999999|3000000000)$`)

// TestServerVerdicts makes the mistakes in objects/ that API servers were asked about, and
// compares the verdicts.
func TestServerVerdicts(t *testing.T) {
	mistakes := map[string][]byte{}
	originals, err := readDocuments("objects")
	if err != nil {
		t.Fatal(err)
	}
	for _, original := range originals {
		list, err := mutate(original)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			mistakes[d.name] = d.text
		}
	}
	records, err := filepath.Glob("testdata/v*.txt.gz")
	if err != nil || len(records) == 0 {
		t.Fatalf("no records: %v", err)
	}
	for _, file := range records {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			testVerdicts(t, file, mistakes)
		})
	}
}

// testVerdicts compares what is refused of the mistakes with what the server of a record refused.
func testVerdicts(t *testing.T, file string, mistakes map[string][]byte) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	release, refused, err := readRecord(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	v, err := validate.New(release[1:strings.LastIndex(release, ".")], nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(refused) < 1000 {
		t.Errorf("%s has only %d verdicts", file, len(refused))
	}
	for i, name := range slices.Sorted(maps.Keys(refused)) {
		if !testmain.Tried(i) {
			continue
		}
		want := refused[name]
		text, ok := mistakes[name]
		if !ok {
			t.Fatalf("%s: %q is not made any more: record it anew", file, name)
		}
		got, unknown, said := refuses(v, text)
		if got != want && !unknown && !(got && differs.MatchString(name)) {
			t.Errorf("%s, %s: refused %v, and the server says %v\n%s", release, name, got, want, said)
		}
	}
}

// refuses reports whether an object is refused or of an unknown kind, and what is said of it.
func refuses(v *validate.Validator, text []byte) (refused, unknown bool, said string) {
	file, err := manifest.Parse("x.yaml", text)
	if err != nil {
		return true, false, err.Error()
	}
	values, err := file.Values()
	if err != nil {
		return true, false, err.Error()
	}
	for _, object := range validate.Objects(values) {
		verdict := v.Object(object, "default")
		unknown = unknown || verdict.Unknown
		for _, p := range verdict.Refused {
			refused, said = true, said+p.Message+"\n"
		}
	}
	return refused, unknown, said
}
