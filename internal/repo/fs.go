package repo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"time"
)

// FS is the files of a commit as a file system, for code that also reads folders
// on disk. A file that Tree.Fetch has not brought is fetched when it is read, one request
// for each. Symbolic links and submodules are listed and can be examined with
// Lstat and ReadLink; neither is opened or followed.
type FS struct {
	ctx  context.Context
	tree Tree
	when time.Time
}

var (
	_ fs.ReadDirFS  = FS{}
	_ fs.ReadFileFS = FS{}
	_ fs.ReadLinkFS = FS{}
	_ fs.StatFS     = FS{}
)

// NewFS returns the file system of a tree, whose requests are made under ctx. All files
// have the time given: Git stores none but the commit's.
func NewFS(ctx context.Context, tree Tree, when time.Time) FS { return FS{ctx, tree, when} }

func (f FS) find(op, name string) (Entry, error) {
	if !fs.ValidPath(name) {
		return Entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	e, err := f.tree.Lookup(f.ctx, name)
	if err != nil {
		return e, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return e, nil
}

// content returns a copy of what e holds.
func (f FS) content(op string, e Entry) ([]byte, error) {
	content, err := f.tree.Content(f.ctx, e)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: e.Path, Err: err}
	}
	return content, nil
}

// notRegular returns the error of reading an entry that is no regular file.
func notRegular(e Entry) error {
	switch {
	case e.Mode.IsDir():
		return errors.New("is not a file")
	case e.Mode&fs.ModeSymlink != 0:
		return ErrLink
	}
	return errors.New("is a submodule")
}

// Open opens a file or a folder.
func (f FS) Open(name string) (fs.File, error) {
	e, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	info := &fileInfo{entry: e, name: path.Base(name), when: f.when}
	switch {
	case e.Mode.IsDir():
		entries, err := f.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info, entries}, nil
	case e.Mode.IsRegular():
		content, err := f.content("open", e)
		if err != nil {
			return nil, err
		}
		info.entry.Size = int64(len(content))
		return &openFile{info, bytes.NewReader(content), content}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: notRegular(e)}
}

// ReadFile reads a file. The bytes are the caller's.
func (f FS) ReadFile(name string) ([]byte, error) {
	e, err := f.find("read", name)
	if err != nil {
		return nil, err
	}
	if !e.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: notRegular(e)}
	}
	return f.content("read", e)
}

// ReadDir lists a folder, sorted by name. It fetches no file's content; an entry's Info
// does, where the size is not known.
func (f FS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !e.Mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("is not a folder")}
	}
	below, err := f.tree.Entries(f.ctx, name)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	entries := make([]fs.DirEntry, len(below))
	for i, e := range below {
		entries[i] = &dirEntry{f, e}
	}
	return entries, nil
}

// Stat is Lstat, since no link is followed.
func (f FS) Stat(name string) (fs.FileInfo, error) { return f.Lstat(name) }

// Lstat describes what is at name. It fetches a file's content where its size is not
// known.
func (f FS) Lstat(name string) (fs.FileInfo, error) {
	e, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return f.describe(e)
}

func (f FS) describe(e Entry) (fs.FileInfo, error) {
	if e.Size < 0 && e.Mode&(fs.ModeDir|fs.ModeIrregular) == 0 {
		content, err := f.content("stat", e)
		if err != nil {
			return nil, err
		}
		e.Size = int64(len(content))
	}
	return &fileInfo{entry: e, name: path.Base(e.Path), when: f.when}, nil
}

// ReadLink returns where a symbolic link points to.
func (f FS) ReadLink(name string) (string, error) {
	e, err := f.find("readlink", name)
	if err != nil {
		return "", err
	}
	if e.Mode&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, err := f.content("readlink", e)
	return string(target), err
}

type fileInfo struct {
	entry Entry
	name  string
	when  time.Time
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return max(0, i.entry.Size) }
func (i *fileInfo) Mode() fs.FileMode  { return i.entry.Mode }
func (i *fileInfo) ModTime() time.Time { return i.when }
func (i *fileInfo) IsDir() bool        { return i.entry.Mode.IsDir() }
func (i *fileInfo) Sys() any           { return nil }

type dirEntry struct {
	fs    FS
	entry Entry
}

func (d *dirEntry) Name() string               { return path.Base(d.entry.Path) }
func (d *dirEntry) IsDir() bool                { return d.entry.Mode.IsDir() }
func (d *dirEntry) Type() fs.FileMode          { return d.entry.Mode.Type() }
func (d *dirEntry) Info() (fs.FileInfo, error) { return d.fs.describe(d.entry) }
func (d *dirEntry) String() string             { return fs.FormatDirEntry(d) }

// openFile is a file that can be read, and sought in.
type openFile struct {
	info *fileInfo
	*bytes.Reader
	content []byte
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// Bytes returns the whole content, which is the caller's.
func (f *openFile) Bytes() []byte { return f.content }

type openDir struct {
	info *fileInfo
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("is a folder")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	part := d.rest[:n:n]
	d.rest = d.rest[n:]
	return part, nil
}
