package manifest

import "testing"

// TestTagThatImagesShare: a tag that an alias or a merge key makes that of two images is one place.
func TestTagThatImagesShare(t *testing.T) {
	f, err := Parse("t.yaml", []byte(object+"base: &b {tag: v1}\na: {repository: x/a, <<: *b}\nb: {repository: x/b, <<: *b}\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	want := object + "base: &b {tag: }\na: {repository: x/a, <<: *b}\nb: {repository: x/b, <<: *b}\n"
	if got := blanked(text); len(text.Images) != 1 || got != want {
		t.Errorf("got %d images and\n%s\nwant\n%s", len(text.Images), got, want)
	}
}
