package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// checkScan compares what Scan reads with what Parse reads. It returns of how many
// documents Scan read itself, and of how many of these the comments are the parser's.
func checkScan(t *testing.T, data []byte) (scanned, commented int) {
	t.Helper()
	got, failure := Scan("x.yaml", data)
	want, err := Parse("x.yaml", data)
	if failure != nil || err != nil {
		if fmt.Sprint(failure) != fmt.Sprint(err) {
			t.Fatalf("%q: Scan says %v, and Parse %v", data, failure, err)
		}
		return 0, 0
	}
	if len(got.docs) != len(want.docs) {
		t.Fatalf("%q: Scan reads %d documents, and Parse %d", data, len(got.docs), len(want.docs))
	}
	for i, doc := range got.docs {
		if !doc.scanned {
			continue
		}
		scanned++
		a, b := describe(doc.root, ""), describe(want.docs[i].root, "")
		if a != b {
			t.Fatalf("%q: Scan reads\n%s\nand Parse\n%s", data, a, b)
		}
		slices.Sort(doc.comments)
		if slices.Equal(doc.comments, commentLines(want.docs[i].node)) {
			commented++
		}
	}
	return scanned, commented
}

// describe is everything of a tree but its comments.
func describe(n *yaml.Node, indent string) string {
	text := fmt.Sprintf("%s%d %d %s %q %q %d:%d\n", indent, n.Kind, n.Style, n.Tag, n.Value, n.Anchor, n.Line, n.Column)
	for _, child := range n.Content {
		text += describe(child, indent+" ")
	}
	return text
}

func TestScanReadsAsTheParserDoes(t *testing.T) {
	for _, c := range []struct {
		text  string
		plain bool // Scan reads it itself
	}{
		{"a: 1\nb:\n  c: x # y\n", true},
		{"# head\n---\n# more\na:\n- b: 1\n  c:\n  - d\n-\n- e\nf:\n", true},
		{"---\na: {b: [c, \"d\"], e: -f}\ng: 'h' # i\n", true},
		{"a: |\n  b: c\n\n    d # e\n\nf: |-\n  g\n", true},
		{"a: |\n  b\n # c\nd: 1\n", true},
		{"- - a\n  - b: c\n- ~\n- 1.5\n- true\n- 2001-01-01\n- <x>\n", true},
		{"a: b\nc: d", true},
		{"a: x:y\nb: http://c/#d\n", true},
		{"\"a b\": \"c: d\"\n'e': f\n", true},
		{"a: 日本\n", true},
		{"a: b\n c\n", false},
		{"a: 'b\n  c'\n", false},
		{"a: b: c\n", false},
		{"a: &b c\n", false},
		{"a: \"b\\n\"\n", false},
		{"? a\n: b\n", false},
		{"a: {b: c,\n  d: e}\n", false},
		{"a:\n\tb: c\n", false},
		{"a: b\r\n", false},
		{"--- a\n", false},
		{"<<: {a: b}\n", false},
		{"a: !x b\n", false},
		{"a:\n  b: 1\n c: 2\n", false},
		{"a: [b, c\n", false},
		{"a: b\n---\nc: d\n...\n", false},
		{"# nothing\n", false},
	} {
		scanned, _ := checkScan(t, []byte(c.text))
		if scanned > 0 != c.plain && !strings.Contains(c.text, "...") {
			t.Errorf("%q: read by Scan itself: %t", c.text, scanned > 0)
		}
	}
}

// TestScanReadsLargeFiles is FuzzScan for the files of testdata/images that are too large for a seed.
func TestScanReadsLargeFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/images/*/*.*")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) >= maxSeed && len(data) < 100_000 {
			checkScan(t, data)
		}
	}
}

// FuzzScan compares Scan with the parser: errors, documents, and trees with their places.
func FuzzScan(f *testing.F) {
	addHardCases(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkScan(t, data) })
}
