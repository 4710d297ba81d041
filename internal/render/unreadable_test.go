package render

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// brokenFS has one folder that cannot be listed, as one whose permissions are missing.
type brokenFS struct {
	fstest.MapFS
	folder string
}

func (b brokenFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == b.folder {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("permission denied")}
	}
	return b.MapFS.ReadDir(name)
}

// TestWhatCannotBeReadIsNotAbsent: a folder that cannot be listed is reported as such, and not
// as one that is not there.
func TestWhatCannotBeReadIsNotAbsent(t *testing.T) {
	files := fstest.MapFS{
		"templates/service/x.yaml.tmpl": {Data: []byte("a: 1\n")},
		"templates/files/conf/app.conf": {Data: []byte("x\n")},
	}
	for folder, want := range map[string]string{
		"templates":         "templates: permission denied",
		"templates/service": "templates/service: permission denied",
	} {
		if _, err := ParseTemplates(brokenFS{files, folder}, nil); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	// What is wrong with files counts where one is embedded.
	for _, folder := range []string{"templates/files", "templates/files/conf"} {
		templates, err := ParseTemplates(brokenFS{files, folder}, nil)
		if err != nil {
			t.Fatal(err)
		}
		x := &execution{templates: templates}
		if _, err := x.file("conf/app.conf"); err == nil || !strings.HasSuffix(err.Error(), folder+": permission denied") {
			t.Errorf("got %v, want %s: permission denied", err, folder)
		}
	}
	if _, err := ParseTemplates(fstest.MapFS{}, nil); err == nil || err.Error() != "templates: no such folder" {
		t.Errorf("got %v", err)
	}
}

// TestConflictsInFiles has files that Git could not merge, and texts that only look like it.
func TestConflictsInFiles(t *testing.T) {
	for text, line := range map[string]int{
		"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\n":                        2,
		"<<<<<<< HEAD\r\nb\r\n||||||| 1\r\n=======\r\n>>>>>>> other\r\n":         1,
		"<<<<<<< a\nA title\n=======\n":                                          0,
		"A title\n=======\n>>>>>>> quoted\n":                                     0,
		"  <<<<<<< HEAD\n  =======\n  >>>>>>> other\n":                           0,
		"<<<<<<< one\n<<<<<<< two\n=======\n>>>>>>> two\n=======\n>>>>>>> one\n": 2,
	} {
		templates, err := ParseTemplates(fstest.MapFS{
			"templates/service/x.yaml.tmpl": {Data: []byte("a: 1\n")},
			"templates/files/app.conf":      {Data: []byte(text)},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&execution{templates: templates}).file("app.conf")
		want := ""
		if line > 0 {
			want = fmt.Sprintf("templates/files/app.conf:%d: a merge conflict was left here", line)
		}
		if got := fmt.Sprint(err); err == nil && want != "" || err != nil && got != want {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
