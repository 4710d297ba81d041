package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/testmain"
)

// TestProofs: a proof is shared by documents that differ in words, and by no others.
func TestProofs(t *testing.T) {
	const first = "metadata: {name: api}\nimage: a.example.com/api:v1 # of it\nenv: [on, 10, 'x w']\n"
	for _, c := range []struct {
		name, text string
		shared     bool
	}{
		{"the same", first, true},
		{"other words", "metadata: {name: web-front}\nimage: a.example.com/web-front:v1 # of it\nenv: [on, 10, 'z b']\n", true},
		{"a word that is two", "metadata: {name: web}\nimage: a.example.com/api:v1 # of it\nenv: [on, 10, 'x w']\n", false},
		{"two words that are one", "metadata: {name: api}\nimage: a.example.com/api:v1 # of it\nenv: [on, 10, 'x x']\n", false},
		{"a word for a boolean", "metadata: {name: api}\nimage: a.example.com/api:v1 # of it\nenv: [in, 10, 'x w']\n", false},
		{"a boolean for a word", "metadata: {name: on}\nimage: a.example.com/on:v1 # of it\nenv: [on, 10, 'x w']\n", false},
		{"another number", "metadata: {name: api}\nimage: a.example.com/api:v1 # of it\nenv: [on, 11, 'x w']\n", false},
		{"other quotes", "metadata: {name: api}\nimage: a.example.com/api:v1 # of it\nenv: [on, 10, \"x y\"]\n", false},
		{"another comment", "metadata: {name: api}\nimage: a.example.com/api:v1 # by it\nenv: [on, 10, 'x w']\n", false},
		{"a comment of more words", "metadata: {name: api}\nimage: a.example.com/api:v1 # of the it\nenv: [on, 10, 'x w']\n", false},
		{"a word of the tree behind a #", "metadata: {name: it}\nimage: a.example.com/it:v1 # of it\nenv: [on, 10, 'x w']\n", false},
		{"an anchor", "metadata: {name: &a api}\nimage: a.example.com/api:v1 # of it\nenv: [on, 10, 'x w']\n", false},
		{"a long line", "metadata: {name: " + strings.Repeat("x", 1000) + "}\nimage: a.example.com/" + strings.Repeat("x", 1000) + ":v1\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			proofs, own := &Proofs{}, &Proofs{}
			setTag(t, first, proofs)
			got, alone := setTag(t, c.text, proofs), setTag(t, c.text, own)
			if want := setTag(t, c.text, nil); got != want || alone != want {
				t.Errorf("with proofs of others %q, with its own %q, without %q", got, alone, want)
			}
			if shared := countProofs(own) == 1 && countProofs(proofs) == 1; shared != c.shared {
				t.Errorf("shared: %t", shared)
			}
		})
	}
}

func setTag(t *testing.T, text string, proofs *Proofs) string {
	t.Helper()
	f, err := Scan("in.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f.Proofs = proofs
	out, err := f.SetImages(f.Images(), func(ref image.Ref) image.Ref { return ref.With("v2", "") })
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func countProofs(p *Proofs) (n int) {
	p.proved.Range(func(any, any) bool { n++; return true })
	return n
}

// FuzzForm renames the words of a text that has a form, and parses both: the trees must have one
// form, and the same comments. It is what makes a proof good for another document. Then it changes
// the images of both, which keep the keys of images, with shared proofs and without.
func FuzzForm(f *testing.F) {
	addHardCases(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkForm(t, data) })
}

// TestFormsOfHardCases is FuzzForm for the files that are too large for a seed, and for the seeds
// until it is sure that proofs are shared at all.
func TestFormsOfHardCases(t *testing.T) {
	files, err := filepath.Glob("testdata/images/*/*.*")
	if err != nil {
		t.Fatal(err)
	}
	const enough = 20
	shared := 0
	for n, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !testmain.Tried(n) {
			continue
		}
		if shared < enough || len(data) >= maxSeed {
			shared += checkForm(t, data)
		}
	}
	if shared < enough && !testmain.Race {
		t.Errorf("of %d files %d shared a proof with a renamed one", len(files), shared)
	}
}

func checkForm(t *testing.T, data []byte) (shared int) {
	file, err := Scan("in.yaml", data)
	if err != nil {
		return 0
	}
	for _, doc := range file.docs {
		text := data[doc.start:doc.end]
		if !doc.scanned || !isFormable(text) {
			continue
		}
		if rename := renamer(func(string) bool { return false }); isFormable([]byte(rename(string(text)))) {
			checkRenamed(t, text, rename)
		}
		if renamed := []byte(renamer(isKeyOfImages)(string(text))); isFormable(renamed) {
			shared += checkShared(t, text, renamed)
		}
	}
	return shared
}

// renamer returns a function that renames the words of texts, each alike in all its places.
func renamer(keep func(word string) bool) func(string) string {
	names := map[string]string{}
	return func(s string) string {
		var out strings.Builder
		for part, isWord := range formParts(s) {
			if isWord && !keep(part) {
				if names[part] == "" {
					names[part] = fmt.Sprintf("w%d%s", len(names), strings.Repeat("-z.9a", len(names)*7%4))
				}
				part = names[part]
			}
			out.WriteString(part)
		}
		return out.String()
	}
}

func isKeyOfImages(word string) bool {
	return slices.Contains([]string{"image", "images", "repository", "registry", "name", "newName", "tag", "newTag", "version", "digest", "sha", "status", "kind", "spec"}, word)
}

func checkRenamed(t *testing.T, text []byte, rename func(string) string) {
	t.Helper()
	renamed := []byte(rename(string(text)))
	a, errA := Parse("in.yaml", text)
	b, errB := Parse("in.yaml", renamed)
	if (errA == nil) != (errB == nil) || errA == nil && len(a.docs) != len(b.docs) {
		t.Fatalf("%q: %v\nrenamed %q: %v", text, errA, renamed, errB)
	}
	if errA != nil {
		return
	}
	for i := range a.docs {
		formA, okA := formOfParsed(text, a.docs[i].node)
		formB, okB := formOfParsed(renamed, b.docs[i].node)
		if okA && (!okB || formA != formB) {
			t.Fatalf("%q\nrenamed %q\nhave trees of other forms", text, renamed)
		}
		comments := commentLines(a.docs[i].node)
		if got := commentLines(b.docs[i].node); !slices.Equal(got, comments) {
			t.Fatalf("%q\nrenamed %q\ncomments %q, want %q", text, renamed, got, comments)
		}
	}
}

// checkShared changes the images of two texts, and returns how many proofs of the first were good
// for the second.
func checkShared(t *testing.T, text, renamed []byte) (shared int) {
	t.Helper()
	set := func(data []byte, proofs *Proofs) (string, error) {
		f, err := Scan("in.yaml", data)
		if err != nil {
			return "", err
		}
		f.Proofs = proofs
		out, err := f.SetImages(f.Images(), func(ref image.Ref) image.Ref { return ref.With("v2", "") })
		return string(out), err
	}
	proofs, own := &Proofs{}, &Proofs{}
	set(text, proofs)
	before := countProofs(proofs)
	got, errGot := set(renamed, proofs)
	want, errWant := set(renamed, nil)
	if got != want || (errGot == nil) != (errWant == nil) {
		t.Fatalf("%q\nrenamed %q\nwith shared proofs %q, %v\nwithout %q, %v", text, renamed, got, errGot, want, errWant)
	}
	set(renamed, own)
	return before + countProofs(own) - countProofs(proofs)
}

// formOfParsed returns the form of a text and of the tree that the parser makes of it.
func formOfParsed(text []byte, node *yaml.Node) (form string, ok bool) {
	w := newFormWriter(0)
	w.text(string(text))
	w.tree(node, nil)
	return string(w.out), !w.failed
}

// TestFormIsUnambiguous: what stands between the parts of a form is in no text that has one.
func TestFormIsUnambiguous(t *testing.T) {
	for _, c := range []byte{wordNumber, endOfText, beginNode, changed} {
		if isFormable([]byte{c}) {
			t.Errorf("%#x", c)
		}
	}
}
