package inventory

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"k8srepo/internal/manifest"
)

// Source is the folder that an inventory and its templates are read from: regular
// files, and folders, below it. A symbolic link is refused wherever it leads, so
// that what is read is what the repository holds.
type Source struct{ root *os.Root }

// OpenSource opens a folder. Close it when all is read.
func OpenSource(folder string) (*Source, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return &Source{root}, nil
}

// Close closes the folder.
func (s *Source) Close() error { return s.root.Close() }

// ErrLink is a symbolic link where a file or a folder is wanted.
var ErrLink = errors.New("it is a symbolic link, and must be a regular file or a folder of the repository")

// Open opens a regular file or a folder.
func (s *Source) Open(name string) (fs.File, error) {
	info, err := s.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: manifest.ErrNotRegular} // opening a pipe would wait
	}
	return s.root.Open(filepath.FromSlash(name))
}

// Stat describes a file or a folder.
func (s *Source) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	var info fs.FileInfo
	steps := strings.Split(name, "/")
	for i := range steps {
		var err error
		if info, err = s.root.Lstat(filepath.Join(steps[:i+1]...)); err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil, &fs.PathError{Op: "stat", Path: path.Join(steps[:i+1]...), Err: ErrLink}
		}
	}
	return info, nil
}

// FindSource returns the folder of the k8s repo that a folder is in: the nearest
// that holds users.yaml and templates/, of the folder itself and those above it, up
// to the root of the Git repository. It is the folder itself where there is none.
// The result is relative where the folder is, except where .. would lead to another
// folder because the folder was reached through a symbolic link.
func FindSource(folder string) string {
	full, err := filepath.Abs(folder)
	if err != nil {
		return folder
	}
	for at, found := full, folder; ; at, found = filepath.Dir(at), filepath.Join(found, "..") {
		if IsRepo(at) {
			if !isOneFolder(at, found) {
				return at
			}
			return found
		}
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil || filepath.Dir(at) == at {
			return folder
		}
	}
}

// isOneFolder reports whether two paths lead to one folder.
func isOneFolder(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// IsRepo reports whether a folder is the root of a k8s repo: it holds users.yaml and
// templates/.
func IsRepo(folder string) bool {
	users, err := os.Lstat(filepath.Join(folder, UsersFile))
	templates, templatesErr := os.Lstat(filepath.Join(folder, path.Dir(VariablesFile)))
	return err == nil && templatesErr == nil && !users.IsDir() && templates.IsDir()
}
