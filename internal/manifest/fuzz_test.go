package manifest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/image"
	"k8srepo/internal/testmain"
)

// maxSeed is how many bytes a file may have that seeds a fuzz target.
const maxSeed = 10_000

// hardCases are the files of testdata/images, without what they become: the same texts, with other
// tags.
func hardCases(f *testing.F) []string {
	files, err := filepath.Glob("testdata/images/*/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	return slices.DeleteFunc(files, isWant)
}

// addHardCases seeds a fuzz target with the files of testdata/images.
func addHardCases(f *testing.F) {
	for n, file := range hardCases(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < maxSeed && testmain.Tried(n) {
			f.Add(data)
		}
	}
	for _, s := range Shapes() {
		f.Add([]byte(s.Example))
	}
	for _, s := range []string{
		"a: {tag: v1} # tagbump: example.com/api\nb: |2- # tagbump: example.com/api\n    v1\nc: *x # tagbump: a\n",
		"a: v1 # tagbump: example.com/api\r\nb: [v1, # tagbump: example.com/api\r\n 'v1'] # tagbump: example.com/api\r\n",
		"image: {registry: a.io, repository: b, tag: \"1@sha256:" + strings.Repeat("0", 64) + "\", sha: ''}\n",
		"images: [{name: 'a:1', newTag: &t 1}, {name: b, newTag: *t}, 'c=d:1', {<<: {name: e}, newTag: ~}]\n",
		"status: {image: &i a:1}\nkind: X\nspec: {image: *i, x: {name: a/b, version: 1}}\n",
	} {
		f.Add([]byte(s))
	}
}

// FuzzSetImages changes each image of a file, alone. Whatever the file is, the
// bytes up to the image's scalar and behind it stay, and parsed again the image
// and what aliases make of it is all that differs.
func FuzzSetImages(f *testing.F) {
	addHardCases(f)
	path, err := ParsePath("image")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkSetImages(t, data, path) })
}

// FuzzField is FuzzSetImages for what a path leads to: with **, every scalar and every map.
func FuzzField(f *testing.F) {
	paths := []string{"**", "**.args[*]", "spec.*", "[*]", "**.image", "a.b[0]", "images[*].name"}
	for n, file := range hardCases(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 5_000 && testmain.Tried(n) {
			path := paths[n%len(paths)]
			f.Add(data, path)
			if path != "**" {
				f.Add(data, "**")
			}
		}
	}
	for _, s := range Shapes() {
		f.Add([]byte(s.Example), "**")
	}
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		path, err := ParsePath(text)
		if err != nil || len(text) > 100 || strings.Count(text, "**") > 4 || strings.Contains(text, "=") {
			return // an edit of what is selected by would change what is found
		}
		checkSetImages(t, data, path)
	})
}

func refs(images []Image) []image.Ref {
	list := make([]image.Ref, len(images))
	for i := range images {
		list[i] = images[i].Ref
	}
	return list
}

// checkSetImages changes the first images of a file, each alone.
func checkSetImages(t *testing.T, data []byte, path Path) {
	original := bytes.Clone(data)
	file, err := Parse("kustomization.yaml", data)
	if err != nil {
		return
	}
	digest := "sha256:" + strings.Repeat("cd", 32)
	images := file.Images(path)
	for n, i := range images[:min(len(images), 8)] {
		for _, next := range []image.Ref{i.Ref.With("9f2c1ab", ""), i.Ref.With("1e3", digest)} {
			next := i.Becomes(next)
			out, err := file.SetImages(images[n:n+1], func(image.Ref) image.Ref { return next })
			if err != nil {
				continue
			}
			if !bytes.Equal(data, original) {
				t.Fatal("the bytes of the file that was parsed have changed")
			}
			if next == i.Ref {
				if !bytes.Equal(out, data) {
					t.Fatalf("nothing to change, and %q became %q", data, out)
				}
				continue
			}
			after, err := Parse(file.Name, out)
			if err != nil {
				t.Fatalf("%q became %q: %v", data, out, err)
			}
			again := after.Images(path)
			if len(again) != len(images) {
				t.Fatalf("%q became %q: %d images instead of %d", data, out, len(again), len(images))
			}
			got, want := refs(again), refs(images)
			want[n] = next
			if i.parts.tagNode() == nil { // the place of the tag that was added may be before another image's
				byText := func(a, b image.Ref) int { return strings.Compare(a.String(), b.String()) }
				slices.SortFunc(got, byText)
				slices.SortFunc(want, byText)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("the images of %q became %q: they should be %q", data, got, want)
			}
			if i.parts.whole != nil {
				checkOutside(t, file, i.parts.whole, data, out)
			}
			if i.parts.tagNode() != nil {
				checkSame(t, file, after, i.parts.nodes()...)
			}
		}
	}
}

// checkOutside fails where bytes before a scalar or behind it differ.
func checkOutside(t *testing.T, file *File, n *yaml.Node, before, after []byte) {
	s, err := file.find(n)
	if err != nil {
		t.Fatal(err)
	}
	if s.start == s.end && bytes.HasPrefix(before[s.end:], []byte(" ")) {
		s.end++ // the blank that is there is the one between the colon and the value
		s.start++
	}
	if !bytes.HasPrefix(after, before[:s.start]) || !bytes.HasSuffix(after, before[s.end:]) {
		t.Fatalf("%q became %q, outside of the scalar %q", before, after, before[s.start:s.end])
	}
}

// checkSame fails where the trees of two files differ in more than some scalars'
// values. It is another comparison than the one that SetImages makes.
func checkSame(t *testing.T, before, after *File, but ...*yaml.Node) {
	a, b := nodes(before), nodes(after)
	if len(a) != len(b) {
		t.Fatalf("%q has %d nodes, and %q %d", before.Data, len(a), after.Data, len(b))
	}
	for i := range a {
		tagged := a[i].Kind != yaml.AliasNode // whose tag is that of what it stands for
		if !slices.Contains(but, a[i]) && (a[i].Value != b[i].Value || a[i].Kind != b[i].Kind || tagged && a[i].ShortTag() != b[i].ShortTag()) {
			t.Fatalf("%q became %q: at %d:%d is %q, and was %q", before.Data, after.Data, a[i].Line, a[i].Column, b[i].Value, a[i].Value)
		}
	}
}

// nodes are the nodes of a file, in order, aliases as they are.
func nodes(f *File) []*yaml.Node {
	var list []*yaml.Node
	for _, d := range f.docs {
		list = append(list, nodesBelow(d.root)...)
	}
	return list
}

func nodesBelow(n *yaml.Node) []*yaml.Node {
	var list []*yaml.Node
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		list = append(list, n)
		for _, child := range n.Content {
			visit(child)
		}
	}
	visit(n)
	return list
}

// FuzzFind reads every scalar of a file a second time. The reading must agree with
// the parser's, for each style; and a value written over it must be the only
// change there is, or refused.
func FuzzFind(f *testing.F) {
	addHardCases(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("in.yaml", data)
		if err != nil {
			return
		}
		scalars := slices.DeleteFunc(nodes(file), func(n *yaml.Node) bool { return n.Kind != yaml.ScalarNode })
		for _, n := range scalars[:min(len(scalars), 50)] {
			// The parser sees a byte order mark inside a file or not, depending on
			// where its buffer ends; a scalar behind one may be ambiguous.
			if _, err := file.find(n); err != nil && n.Value != "" && bytes.Count(data, byteOrderMark) < 2 {
				t.Fatalf("%v\nin %q", err, data)
			}
		}
		for _, n := range scalars[:min(len(scalars), 8)] {
			if strings.Trim(n.Value, "\n") == "" {
				continue // there may be no place inside of it
			}
			out, err := file.splice([]edit{{node: n, to: len(strings.TrimRight(n.Value, "\n")), text: "x1"}})
			if err != nil {
				continue
			}
			checkOutside(t, file, n, data, out)
			after, err := Parse("in.yaml", out)
			if err != nil {
				t.Fatalf("%q became %q: %v", data, out, err)
			}
			checkSame(t, file, after, n)
		}
	})
}

// FuzzParsePath reads paths, and follows those that can be read.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"image", "a.b[0].c", `a["b.c"][x=y].*[*]`, "a..b", "[", "", "**.c", "$.a"} {
		f.Add(s)
	}
	file, err := Parse("in.yaml", []byte("a: [{b: {c: x}}]\nimage: x\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		if p.String() != s || len(p.steps) == 0 && !p.nowhere {
			t.Fatalf("%q is read as %#v", s, p)
		}
		file.Images(p)
	})
}

// FuzzPatch adds an item to the first list of a file, an entry to its first item, and
// deletes the item again. Whatever the file is, lines are added to it and nothing else; and
// what it says is what it said, and the change.
func FuzzPatch(f *testing.F) {
	addHardCases(f)
	for _, seed := range []string{
		"users:\n  - name: a # x\n    services: [b]\n\n  - {name: c}\n", "users: []\n", "users:\r\n-\r\n  a: |+\r\n    x\r\n\r\n", "users: [a,\n b, # c\n]",
		"# x\nusers:", "{\"users\":[{\"a\":\"b\"}]}", "users:\n- - a\n", "users: &x\n- *y\n", "users:\n  # x\n  - a: 'b''c'\n     \n  # d", "0:\n- \"\"#",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("users.yaml", data)
		if err != nil || len(file.docs) != 1 || file.docs[0].root.Kind != yaml.MappingNode {
			return
		}
		added := Value{}
		added.Add("name", NewString("erin"))
		added.Add("on", NewString("no: # x"))
		for i := 0; i < len(file.docs[0].root.Content); i += 2 {
			key := file.docs[0].root.Content[i].Value
			path := Path{text: "fuzz", steps: []step{{key: key}}}
			out, err := file.Patch(InsertAt(path, added))
			if err != nil {
				continue
			}
			checkAdded(t, file, key, out)
			after, err := Parse(file.Name, out)
			if err != nil {
				t.Fatal(err)
			}
			list, _ := after.Values()
			items, _ := list[0].Get(key)
			path.steps = append(path.steps, step{item: true, index: len(items.Items) - 1})
			inItem := Path{text: "fuzz", steps: append(path.steps[:2:2], step{key: "state"})}
			if _, err := after.Patch(SetAt(inItem, NewString("absent"))); err != nil {
				t.Fatalf("%q: %v", out, err)
			}
			back, err := after.Patch(DeleteAt(path))
			if err != nil {
				t.Fatalf("%q: %v", out, err)
			}
			if again, err := Parse(file.Name, back); err != nil || len(items.Items) > 1 && commentCount(again) < commentCount(file) {
				t.Fatalf("%q, and then %q: %v", out, back, err)
			}
		}
	})
}

// checkAdded fails where a byte was taken away that is no empty list and none between a
// colon and a line's end.
func checkAdded(t *testing.T, before *File, key string, out []byte) {
	rest := before.Data
	for _, b := range out {
		if len(rest) > 0 && b == rest[0] {
			rest = rest[1:]
		}
	}
	values, err := before.Values()
	if err != nil {
		t.Fatal(err)
	}
	was, _ := values[0].Get(key)
	if len(rest) > 0 && len(was.Items) > 0 {
		t.Fatalf("%q became %q: bytes are gone", before.Data, out)
	}
	after, err := Parse(before.Name, out)
	if err != nil {
		t.Fatal(err)
	}
	now, err := after.Values()
	if err != nil {
		t.Fatal(err)
	}
	is, _ := now[0].Get(key)
	if len(is.Items) != len(was.Items)+1 {
		t.Fatalf("%q became %q", before.Data, out)
	}
}

func commentCount(f *File) int { return len(commentLines(f.docs[0].node)) }
