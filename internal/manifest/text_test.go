package manifest

import (
	"strings"
	"testing"
)

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

// TestTextOfEscapedReference: what an image runs is found behind a name with escapes in it.
func TestTextOfEscapedReference(t *testing.T) {
	for scalar, want := range map[string]string{
		`"ecr.repo\/api:v1"`:        `"ecr.repo\/api"`,
		`"ecr.r\u0065po/api:v1"`:    `"ecr.r\u0065po/api"`,
		`"ecr.repo\/api"`:           `"ecr.repo\/api"`,
		`"ecr.repo\/api:"`:          `"ecr.repo\/api"`,
		`"ecr.repo/api\x3Av1"`:      `"ecr.repo/api"`,
		"\"ecr.repo\\\n  /api:v1\"": "\"ecr.repo\\\n  /api\"",
		`'ecr.repo/api:v1'`:         `'ecr.repo/api'`,
	} {
		f, err := Parse("t.yaml", []byte(object+"image: "+scalar+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := f.Text()
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := strings.CutPrefix(blanked(text), object+"image: "); len(text.Images) != 1 || got != want+"\n" {
			t.Errorf("%s: %d images, blanked %s, want %s", scalar, len(text.Images), got, want)
		}
	}
}
