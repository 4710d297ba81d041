package validate_test

import (
	"bytes"
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
	"k8srepo/internal/validate/mistakes"
)

// differs matches the mistakes that an API server takes and validate refuses, on purpose: see
// docs/validation.md.
var differs = regexp.MustCompile(` is (99999999999999999999|3000000000)$`)

// TestServerVerdicts makes the mistakes in testdata/objects that API servers were asked about, and
// compares the verdicts. An object is parsed once for all servers.
func TestServerVerdicts(t *testing.T) {
	records := readRecords(t)
	var names []string
	for _, record := range records {
		names = slices.AppendSeq(names, maps.Keys(record.Refused))
	}
	slices.Sort(names)
	tried := map[string]bool{} // of each name that a record has, whether its mistake is made
	for i, name := range slices.Compact(names) {
		tried[name] = testmain.Tried(i)
	}
	made := readMistakes(t, func(name string) bool { return tried[name] })
	for _, record := range records {
		t.Run(record.Release, func(t *testing.T) { testVerdicts(t, record, tried, made) })
	}
}

// readRecords returns the records of API servers.
func readRecords(t *testing.T) []mistakes.Record {
	files, err := filepath.Glob("testdata/verdicts/v*.txt.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no records: %v", err)
	}
	var records []mistakes.Record
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		record, err := mistakes.ReadRecord(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(record.Refused) < 1000 {
			t.Errorf("%s has only %d verdicts", file, len(record.Refused))
		}
		records = append(records, record)
	}
	return records
}

// parsed is what is read of a text: objects, or why there are none.
type parsed struct {
	objects []manifest.Value
	err     error
}

// readMistakes makes the mistakes with a wanted name, and returns them by it.
func readMistakes(t *testing.T, wanted func(name string) bool) map[string]parsed {
	originals, err := mistakes.Read("testdata/objects")
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]parsed{}
	for _, original := range originals {
		list, err := mistakes.Make(original, wanted)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			made[d.Name] = parse(d.Text)
		}
	}
	return made
}

func parse(text []byte) parsed {
	file, err := manifest.Parse("x.yaml", text)
	if err != nil {
		return parsed{err: err}
	}
	values, err := file.Values()
	return parsed{validate.Objects(values), err}
}

// testVerdicts compares what is refused of the mistakes with what the server of a record refused.
func testVerdicts(t *testing.T, record mistakes.Record, tried map[string]bool, made map[string]parsed) {
	v := validator(t, record.Release[1:strings.LastIndex(record.Release, ".")])
	for _, name := range slices.Sorted(maps.Keys(record.Refused)) {
		if !tried[name] {
			continue
		}
		want := record.Refused[name]
		p, ok := made[name]
		if !ok {
			t.Fatalf("%q is not made any more: record it anew", name)
		}
		got, unknown, said := refuses(v, p)
		if got != want && !unknown && !(got && differs.MatchString(name)) {
			t.Errorf("%s: refused %v, and the server says %v\n%s", name, got, want, said)
		}
	}
}

// refuses reports whether an object is refused or of an unknown kind, and what is said of it.
func refuses(v *validate.Validator, p parsed) (refused, unknown bool, said string) {
	if p.err != nil {
		return true, false, p.err.Error()
	}
	for _, object := range p.objects {
		verdict := v.Object(object, "default")
		unknown = unknown || verdict.Unknown
		for _, p := range verdict.Refused {
			refused, said = true, said+p.Message+"\n"
		}
	}
	return refused, unknown, said
}
