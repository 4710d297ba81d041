package manifest

import (
	"strings"
	"testing"

	"k8srepo/internal/image"
)

// TestDigestBesideATag moves the tag and the digest of a rendered image, as tagbump
// does. The entry of the digest is no part of what was rendered.
func TestDigestBesideATag(t *testing.T) {
	const name = "ecr.repo/api"
	first, second := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	for _, text := range []string{
		"repository: «»\ntag: «»\ndigest: \"\"", "digest: ''\nrepository: «»\ntag: \"«»\"", "repository: «»\ntag: «»\ndigest:\nx: 1", "repository: «»\ndigest: null\ntag: «»",
		"repository: «»\ntag: «»\nsha: \"\"", "repository: «»\ntag: «»\nsha: " + first[7:], "repository: «»\ntag: «»\ndigest: " + first + " # c",
		"image: {repository: «», tag: «», digest: \"\"}", "image: {digest: ~, repository: «», tag: «»}\nother: {image: x/y:1}", "images:\n  - {name: «», newTag: «», digest: " + first + "}",
	} {
		text := object + text + "\n"
		rendered, err := fill(t, text, name, Tag{Text: "v1", Repository: name})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, suffix := range []string{":v2@" + first, ":v3@" + second, ":v4", ":v5@" + second} {
			before := rendered.Data
			for range 2 { // from what was rendered, and from what tagbump had written
				moved := bump(t, before, name+suffix)
				runs, ok := rendered.Match(moved)
				if !ok || runs[0].Suffix != suffix {
					t.Errorf("%s\n%s: got %t, %q", text, moved, ok, runs)
					break
				}
				if at := rendered.Difference(moved); at != len(moved) {
					t.Errorf("%s differs at %q", moved, moved[at:])
				}
				if got := rendered.WithRuns(runs); string(got) != string(moved) {
					t.Errorf("got\n%s\nwant\n%s", got, moved)
				}
				read, err := Parse("t.yaml", moved)
				if err != nil {
					t.Fatal(err)
				}
				parsed, err := read.Text()
				if err != nil || blanked(parsed) != blanked(rendered) || parsed.Images[0].Ref.Suffix() != suffix {
					t.Errorf("%s\nis without its tags\n%s\nwant\n%s\n%v", moved, blanked(parsed), blanked(rendered), err)
				}
				// The same run, known from elsewhere.
				again, ok := rendered.Match(rendered.WithRuns([]Run{{Suffix: suffix}, {Suffix: ":1"}}))
				if !ok || again[0].Suffix != suffix {
					t.Errorf("%s: written anew it runs %q, want %s", text, again, suffix)
				}
				before = moved
			}
		}
		wrong := strings.Replace(string(bump(t, rendered.Data, name+":v2@"+second)), second[7:], "bbb", 1)
		if _, ok := rendered.Match([]byte(wrong)); ok {
			t.Errorf("a malformed digest matches:\n%s", wrong)
		}
	}
	for text, want := range map[string]string{"repository: «»\ntag: v1\ndigest: «»": "a tag is no digest"} {
		if _, err := fill(t, object+text+"\n", name, Tag{Text: "v1", Repository: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// TestWithRunsOfItsOwnKeepsEveryByte: an image that runs what the text says is written as the
// text has it, in whatever form.
func TestWithRunsOfItsOwnKeepsEveryByte(t *testing.T) {
	for _, tag := range []string{
		" 1.27", " 0x1F", " 2026-11-20", " v1", " 'v1'", ` "v1"`, " !!float 1.10", " null", " ~", "", "   # none", ` ""`, " ''", " |-", " >\n", " |-\n    v1", " &t", ` "\x76\x31"`,
	} {
		data := object + "image:\n  repository: ecr.repo/api\n  tag:" + tag + "\n  digest:\nend: 1\n"
		f, err := Parse("t.yaml", []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := f.Text()
		if err != nil {
			t.Fatal(err)
		}
		filled, err := fill(t, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []*Text{parsed, filled} {
			runs, ok := text.Match(text.Data)
			if len(runs) > 0 && runs[0].Suffix != text.Images[0].Ref.Suffix() {
				t.Errorf("tag:%s runs %q, want %q", tag, runs[0].Suffix, text.Images[0].Ref.Suffix())
			}
			if got := text.WithRuns(runs); !ok || string(got) != data {
				t.Errorf("got %t\n%s\nwant\n%s", ok, got, data)
			}
		}
	}
}

// TestRunOfAReferenceInAnyStyle: what runs is read from the bytes of the reference, whatever
// else looks like it in the scalar.
func TestRunOfAReferenceInAnyStyle(t *testing.T) {
	for scalar, want := range map[string]string{
		"ecr.repo/api:v1": ":v1", "'ecr.repo/api:v1' # c": ":v1", `"ecr.repo\/api:v1"`: ":v1", `"ecr\x2Erepo/api:v1"`: ":v1", `"ecr.repo/api:\u00761"`: `:\u00761`,
		">- # ecr.repo/api:v2 before\n  ecr.repo/api:v1": ":v1", "| # a=b\n  ecr.repo/api:v1": ":v1", ">-\n  ecr.repo/api:v1": ":v1", "&ecr ecr.repo/api": "", `"ecr.repo/api"`: "",
	} {
		data := object + "image: " + scalar + "\nx: "
		f, err := Parse("t.yaml", []byte(data+"a\n"))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := f.Text()
		if err != nil {
			t.Fatal(err)
		}
		filled, err := fill(t, "before: «»\n"+data+"«»\n", "a longer value", "a")
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []*Text{parsed, filled} {
			if len(text.Images) != 1 || text.Run(0).Suffix != want {
				t.Errorf("%s: got %d images, %+v, want %q", scalar, len(text.Images), text.Run(0), want)
			}
		}
	}
}

func blanked(t *Text) string {
	var b strings.Builder
	t.Blank(func(p []byte) { b.Write(p) }, func(Running) bool { return true })
	return b.String()
}

// bump sets the file's images of a repository to a reference.
func bump(t *testing.T, data []byte, reference string) []byte {
	t.Helper()
	f, err := Parse("t.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	next, err := image.Parse(reference)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.SetImages(f.Images(), func(ref image.Ref) image.Ref {
		if ref.Repository() != next.Repository() {
			return ref
		}
		return next
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
