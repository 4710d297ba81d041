package manifest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/problem"
	"k8srepo/internal/testmain"
)

// TestFilledTextIsAsItParses puts a placeholder into the place of each scalar, key, list and map
// of many files, and fills it with what was there. What Fill knows of the text must be what a
// parse of it finds: a checksum made from one is compared with a checksum made from the other.
func TestFilledTextIsAsItParses(t *testing.T) {
	filled := 0
	for _, text := range fillTexts(t) {
		f, err := Parse("t.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		parses := map[string]string{} // what is known of a text; most values make the same again
		for i, n := range nodes(f) {
			value, at, ok := f.fillable(n)
			if !ok || !testmain.Tried(i) {
				continue
			}
			template := string(text[:at.start]) + Placeholder + string(text[at.end:])
			skeleton, err := ParseSkeleton("t.yaml", []byte(template))
			if err != nil {
				continue // a place that no value can have
			}
			got, err := skeleton.Fill([]any{value})
			if err != nil {
				continue
			}
			filled++
			want, ok := parses[string(got.Data)]
			if !ok {
				want = knownOf(parsed(t, got.Data))
				parses[string(got.Data)] = want
			}
			if got := knownOf(got); got != want {
				t.Errorf("%s\nfilled with %v, is known as\n%sand parses as\n%s", strings.ReplaceAll(template, Placeholder, "«»"), value, got, want)
			}
		}
	}
	if filled < 1000 && !testmain.Race {
		t.Errorf("only %d texts were filled", filled)
	}
}

// parsed returns what a parse of a file knows of it.
func parsed(t *testing.T, data []byte) *Text {
	t.Helper()
	f, err := Parse("t.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// isWant reports whether a file of testdata/images is what another there becomes: the same text
// with another tag.
func isWant(file string) bool { return strings.HasPrefix(filepath.Base(file), "want.") }

// fillTexts are the files of testdata/images, and others, each with what makes objects of it.
func fillTexts(t *testing.T) [][]byte {
	t.Helper()
	digest := "sha256:" + strings.Repeat("a", 64)
	texts := []string{
		"dependencies:\n- name: redis\n  version: 1.2.3\n- name: a/b\n  version: 1.2.3\n",
		"labels: {name: redis, version: 1.2.3}\nimage: {name: redis, version: v1}\nimages: [{name: redis, version: v1}]\n",
		"spec: {source: {kustomize: {images: ['a=b/c:v1', x/y:v2]}}}\n",
		"spec:\n  source:\n    kustomize:\n      images:\n        - a=b/c:v1\n        - x/y:v2\n",
		"status: {image: 'a/b:1'}\nstatuses: {image: 'a/b:1'}\n",
		"a: {image: api, digest: '" + digest + "', tag: v1}\nb: {image: a/b, sha: '" + digest[7:] + "', tag: v1}\n",
		"volumes: [{name: a, image: {reference: 'a/b:1'}}]\nx: {image: {reference: 'a/b:1'}}\n",
		"a: {b: v1} # tagbump: a/b\nc: a/b:v1 # tagbump: a/b\nd: \"v1\" # tagbump: a/b\ne: '' # tagbump: a/b\n",
		"a: {registry: r.io, name: x/y, tag: v1}\nb: {registry: r.io, repository: '', image: a, tag: v2}\nc: {registry: {a: b}, name: x/y, tag: v1}\n",
		"image: |\n  a/b:v1\nx: {image: 'a/b:v1 '}\n",
		"a:\n- image: |+ # c\n    a/b:v1\n\n- {image: \"\\ta/b:v1\\n\", x: y} # c\n- image: >\n    a/b:\n",
		"a: {repository: a/b, tag: '', digest: '" + digest + "'}\nb: {repository: a/b, tag: , version: v1}\nc: {repository: a/b, tag: ~}\n",
		"a: {repository: a/b, newTag: v1, registry: r.io}\nb: {name: 'a:2', newName: , newTag: v1, sha: x}\n",
		"base: &b {tag: v1}\na: {repository: x/a, <<: *b}\nb: {repository: x/b, <<: *b}\n",
	}
	files, err := filepath.Glob("testdata/images/*/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !isWant(file) && len(data) < 4000 && !bytes.Contains(data, []byte("\r")) {
			texts = append(texts, string(data))
		}
	}
	for _, s := range Shapes() {
		texts = append(texts, s.Example)
	}
	var list [][]byte
	for _, text := range texts {
		f, err := Parse("t.yaml", []byte(text))
		if err != nil || len(f.docs) == 0 {
			continue
		}
		head := ""
		for _, line := range []string{"apiVersion: v1\n", "kind: X\n", "metadata: {name: x}\n"} {
			if key, _, _ := strings.Cut(line, ":"); lookup(f.docs[0].root, key) == nil {
				head += line
			}
		}
		if f, err = Parse("t.yaml", []byte(head+text)); err != nil {
			continue
		}
		if _, err := f.Objects(); err == nil {
			list = append(list, f.Data)
		}
	}
	return list
}

// fillable returns a node as a value that a template may have in its place, and its bytes.
func (f *File) fillable(n *yaml.Node) (value any, at span, ok bool) {
	switch {
	case n.Anchor != "":
		return nil, span{}, false
	case n.Kind == yaml.ScalarNode:
		s, err := f.find(n)
		if err != nil || s.origin != nil || n.Tag != yaml.NodeTagString {
			return nil, span{}, false
		}
		return n.Value, span{s.offset(0), s.offset(len(n.Value))}, true
	case n.Kind == yaml.AliasNode || len(n.Content) == 0:
		return nil, span{}, false
	}
	end, err := f.end(n)
	return f.value(n, new(problem.List)).Go(), span{f.offset(n.Line, n.Column), end}, err == nil
}

// knownOf is what is known of a text, in lines.
func knownOf(t *Text) string {
	var b strings.Builder
	for i, r := range t.Images {
		fmt.Fprintf(&b, "%s, tagged %t, pod %t, marked %t, tag only %t, %s, %v %v %v, line %d, runs %q\n",
			r.Ref, r.Tagged, r.Pod, r.Marked, r.TagOnly, r.DigestKey, r.Suffix, r.Comment, r.Digest, r.Line, t.Run(i))
	}
	for _, o := range t.Objects {
		fmt.Fprintln(&b, o, o.Place, o.NameLine)
	}
	return b.String() + blanked(t)
}

// TestValueThatMakesNoImage: a list or a map in the place of a tag, a tag that is none, and a repository
// that has a tag of its own leave the entries of the skeleton no image; a parse of the text says the same.
func TestValueThatMakesNoImage(t *testing.T) {
	for _, value := range []any{map[string]any{"a": "b"}, map[string]any{}, []any{"a"}, []any{}, "x/y:v2", "a=b"} {
		for _, text := range []string{
			"a: {repository: x/y, tag: «»}\n", "a:\n  repository: x/y\n  tag: «»\n", "a: {repository: x/y, tag: v1, digest: «»}\n",
			"a: {image: «», tag: v1}\n", "a: {image: y, registry: r.io, tag: «»}\n", "a: {repository: «», tag: v1}\n", "a: {registry: «», repository: y, tag: v1}\n",
			"a: {name: x, newName: «», newTag: v1}\n", "images: [{name: «», newTag: v1}]\n",
		} {
			got, err := fill(t, object+text, value)
			if err != nil {
				t.Errorf("%s with %v: %v", text, value, err)
				continue
			}
			known := knownOf
			if strings.Contains(text, "digest: «»") { // a parse has what is no digest in the reference
				known = blanked
			}
			if got, want := known(got), known(parsed(t, got.Data)); got != want {
				t.Errorf("%s with %v is known as\n%sand parses as\n%s", text, value, got, want)
			}
		}
	}
}

// TestNameWithoutATag: a name under the key image, beside a registry or a digest, is a reference
// of its own or not by what the values say.
func TestNameWithoutATag(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for _, value := range []any{"", "x/y", "x/y:v1", digest} {
		for _, text := range []string{"registry: r.io\n  image: «» # c", "registry: «»\n  image: y # c", "digest: «»\n  image: y # c", "digest: " + digest + "\n  image: «» # c"} {
			got, err := fill(t, object+"a:\n  "+text+"\n", value)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := knownOf(got), knownOf(parsed(t, got.Data)); got != want {
				t.Errorf("%s with %v is known as\n%sand parses as\n%s", text, value, got, want)
			}
		}
	}
}

// TestTagOfALabelHasAMarker: a name without a "/" beside a version makes no image, so a tag there
// needs a marker.
func TestTagOfALabelHasAMarker(t *testing.T) {
	const repository = "ecr.repo/api"
	for _, c := range []struct{ text, want string }{
		{"labels:\n  name: «»\n  version: «»", "labels:\n  name: api\n  version: v1 # tagbump: ecr.repo/api"},
		{"labels:\n  x: «»\n  version: «»\n  name: api", "labels:\n  x: api\n  version: v1 # tagbump: ecr.repo/api\n  name: api"},
	} {
		got, err := fill(t, object+c.text+"\n", "api", Tag{Text: "v1", Repository: repository})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if want := object + c.want + "\n"; string(got.Data) != want || len(got.Images) != 1 || !got.Images[0].Tracked {
			t.Errorf("got\n%s\nwant\n%s\n%+v", got.Data, want, got.Images)
		}
	}
	got, err := fill(t, object+"chart:\n  version: «»\n  name: «»\n", Tag{Text: "v1", Repository: repository}, repository)
	if want := object + "chart:\n  version: v1\n  name: ecr.repo/api\n"; err != nil || string(got.Data) != want {
		t.Errorf("an image of a name and a version: %v, %+v", err, got)
	}
	_, err = fill(t, object+"labels: {name: «», version: «»}\n", "api", Tag{Text: "v1", Repository: repository})
	if err == nil || !strings.Contains(err.Error(), "there is no place for its marker") {
		t.Errorf("in braces: got %v", err)
	}
}

// TestBlanksAroundAReference: the checksum has no tag that tagbump moves, and tagbump moves one that a
// block of text holds.
func TestBlanksAroundAReference(t *testing.T) {
	for _, text := range []string{"image: |\n  x/y:%s\n", "a:\n  image: > # c\n    x/y:%s\n\nb: c\n", "image: \" x/y:%s\\n\" # c\n", "images:\n  image: |+\n    x/y:%s\n\n"} {
		var sums []string
		for _, tag := range []string{"v1", "v2"} {
			f, err := Parse("t.yaml", []byte(object+fmt.Sprintf(text, tag)))
			if err != nil {
				t.Fatal(err)
			}
			known, err := f.Text()
			if err != nil {
				t.Fatal(err)
			}
			if len(known.Images) != 1 || known.Images[0].Ref.Tag != tag || known.Run(0).Suffix != ":"+tag || len(f.Images()) != 1 {
				t.Errorf("%q: the checksum has %+v, an edit finds %+v", f.Data, known.Images, f.Images())
			}
			sums = append(sums, blanked(known))
		}
		if sums[0] != sums[1] {
			t.Errorf("the checksum has the tag:\n%s\n%s", sums[0], sums[1])
		}
	}
}
