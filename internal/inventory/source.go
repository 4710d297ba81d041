package inventory

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"

	"k8srepo/internal/manifest"
)

// Source is the folder that an inventory and its templates are read from: regular
// files, and folders, below it. A symbolic link is refused wherever it leads, so
// that what is read is what the repository holds.
//
// A folder in it stays open once it was read from: the way to its next file is not walked again.
type Source struct {
	root *os.Root

	lock    sync.Mutex
	folders map[string]*os.Root // by path
}

// OpenSource opens a folder. Close it when all is read.
func OpenSource(folder string) (*Source, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return &Source{root: root, folders: map[string]*os.Root{}}, nil
}

// Close closes the folder.
func (s *Source) Close() error {
	err := s.root.Close()
	for _, folder := range s.folders {
		err = errors.Join(err, folder.Close())
	}
	return err
}

// ErrLink is a symbolic link where a file or a folder is wanted.
var ErrLink = errors.New("it is a symbolic link, and must be a regular file or a folder of the repository")

// Open opens a regular file or a folder.
func (s *Source) Open(name string) (fs.File, error) {
	folder, info, err := s.find("open", name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: manifest.ErrNotRegular} // opening a pipe would wait
	}
	file, err := folder.Open(path.Base(name))
	if err != nil { // a nil *os.File is no nil fs.File
		return nil, withPath(err, name)
	}
	return file, nil
}

// Stat describes a file or a folder.
func (s *Source) Stat(name string) (fs.FileInfo, error) {
	_, info, err := s.find("stat", name)
	return info, err
}

// find returns the folder that a file or a folder is in, and what it is.
func (s *Source) find(op, name string) (*os.Root, fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.step(name)
}

// step is find, of a valid path. It opens the folders on the way.
func (s *Source) step(name string) (*os.Root, fs.FileInfo, error) {
	folder := s.root
	if dir := path.Dir(name); dir != "." {
		if folder = s.folders[dir]; folder == nil {
			above, info, err := s.step(dir)
			if err != nil {
				return nil, nil, err
			}
			if !info.IsDir() { // opening a pipe would wait
				return nil, nil, &fs.PathError{Op: "stat", Path: name, Err: syscall.ENOTDIR}
			}
			if folder, err = above.OpenRoot(path.Base(dir)); err != nil {
				return nil, nil, withPath(err, name)
			}
			s.folders[dir] = folder
		}
	}
	info, err := folder.Lstat(path.Base(name))
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		err = &fs.PathError{Op: "stat", Path: name, Err: ErrLink}
	}
	return folder, info, withPath(err, name)
}

// withPath returns an error of a file with the file's whole path.
func withPath(err error, name string) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return &fs.PathError{Op: of.Op, Path: name, Err: of.Err}
	}
	return err
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
