package inventory

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// brokenFS has one name that cannot be read, as over a network that fails.
type brokenFS struct {
	fstest.MapFS
	name string
}

func (b brokenFS) Open(name string) (fs.File, error) {
	if name == b.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("connection reset")}
	}
	return b.MapFS.Open(name)
}

func (b brokenFS) Stat(name string) (fs.FileInfo, error) {
	if name == b.name {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: errors.New("connection reset")}
	}
	return b.MapFS.Stat(name)
}

func (b brokenFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == b.name {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("connection reset")}
	}
	return b.MapFS.ReadDir(name)
}

// TestWhatCannotBeReadIsNotAbsent tells a folder that is not there from one that cannot
// be read.
func TestWhatCannotBeReadIsNotAbsent(t *testing.T) {
	files := fstest.MapFS{
		"users.yaml":               {Data: []byte("teams: []\nservices: []\nusers: []\n")},
		"environments/dev.yaml":    {Data: []byte("templates: [environment]\n")},
		"templates/variables.yaml": {Data: []byte("{}\n")},
	}
	for _, name := range []string{"users.yaml", "environments", "templates", "templates/variables.yaml"} {
		_, err := loadAll(brokenFS{files, name})
		if err == nil || !strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "no such") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
