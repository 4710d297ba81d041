package render

import (
	"errors"
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
