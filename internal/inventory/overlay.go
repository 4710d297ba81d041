package inventory

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Overlay is a file system in which some files have other content, by name, or are there
// although FS does not have them, with the folders that they are in. It shows an
// inventory as it would be.
type Overlay struct {
	FS    fs.FS
	Files map[string][]byte
}

// Open opens a file or a folder.
func (o Overlay) Open(name string) (fs.File, error) {
	if data, ok := o.Files[name]; ok {
		return &memoryFile{memoryInfo{name: path.Base(name), size: int64(len(data))}, bytes.NewReader(data)}, nil
	}
	return o.FS.Open(name)
}

// Stat describes a file or a folder.
func (o Overlay) Stat(name string) (fs.FileInfo, error) {
	if data, ok := o.Files[name]; ok {
		return memoryInfo{name: path.Base(name), size: int64(len(data))}, nil
	}
	info, err := fs.Stat(o.FS, name)
	if errors.Is(err, fs.ErrNotExist) && o.hasFolder(name) {
		return memoryInfo{name: path.Base(name), folder: true}, nil
	}
	return info, err
}

// hasFolder reports whether a file of the overlay is below a folder.
func (o Overlay) hasFolder(name string) bool {
	for file := range o.Files {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// ReadDir lists a folder.
func (o Overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, name)
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && o.hasFolder(name)) {
		return nil, err
	}
	for file, data := range o.Files {
		below, in := strings.CutPrefix(file, name+"/")
		if name == "." {
			below, in = file, true
		}
		if !in {
			continue
		}
		first, _, deeper := strings.Cut(below, "/")
		same := func(e fs.DirEntry) bool { return e.Name() == first }
		if deeper {
			if !slices.ContainsFunc(entries, same) {
				entries = append(entries, fs.FileInfoToDirEntry(memoryInfo{name: first, folder: true}))
			}
			continue
		}
		entries = append(slices.DeleteFunc(entries, same), fs.FileInfoToDirEntry(memoryInfo{name: first, size: int64(len(data))}))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// memoryFile is a regular file whose content is in memory.
type memoryFile struct {
	info memoryInfo
	*bytes.Reader
}

func (f *memoryFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *memoryFile) Close() error               { return nil }

type memoryInfo struct {
	name   string
	size   int64
	folder bool
}

func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return i.folder }
func (i memoryInfo) Sys() any           { return nil }

func (i memoryInfo) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
