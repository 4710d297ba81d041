package github

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"
)

// FS is a tip's files as a file system, for code that also reads folders on disk.
// What is not here is read when it is asked for, one request at a time: see
// Tip.Fetch. Symbolic links and submodules are listed, and neither is opened.
type FS struct {
	tip *Tip
	ctx context.Context
}

var (
	_ fs.ReadDirFS  = FS{}
	_ fs.ReadFileFS = FS{}
	_ fs.StatFS     = FS{}
)

// FS is the tip's files. Its requests are made under ctx.
func (t *Tip) FS(ctx context.Context) FS { return FS{t, ctx} }

func (f FS) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, err := f.tip.at(f.ctx, name)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return n, nil
}

// ReadFile reads a file. The bytes are the caller's.
func (f FS) ReadFile(name string) ([]byte, error) {
	n, err := f.find("read", name)
	if err != nil {
		return nil, err
	}
	if n.kind() != modeFile&modeType {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is not a file")}
	}
	data, err := f.tip.content(f.ctx, n)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return slices.Clone(data), nil
}

// ReadDir lists a folder by name.
func (f FS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if n.kind() != modeDir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("is not a folder")}
	}
	if err := f.tip.Fetch(f.ctx, name); err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	entries := make([]fs.DirEntry, len(n.names))
	for i, child := range n.names {
		entries[i] = fs.FileInfoToDirEntry(&fileInfo{child, f.tip.nodes[path.Join(name, child)]})
	}
	return entries, nil
}

// Stat describes a file or a folder.
func (f FS) Stat(name string) (fs.FileInfo, error) {
	n, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return &fileInfo{path.Base(name), n}, nil
}

// Open opens a file or a folder.
func (f FS) Open(name string) (fs.File, error) {
	n, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	info := &fileInfo{path.Base(name), n}
	if n.kind() == modeDir {
		entries, err := f.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info, entries}, nil
	}
	data, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{info, bytes.NewReader(data)}, nil
}

type fileInfo struct {
	name string
	node *node
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.node.size }
func (i *fileInfo) ModTime() time.Time { return time.Time{} } // a tree has no times
func (i *fileInfo) IsDir() bool        { return i.node.kind() == modeDir }
func (i *fileInfo) Sys() any           { return nil }

func (i *fileInfo) Mode() fs.FileMode {
	switch i.node.kind() {
	case modeDir:
		return fs.ModeDir | 0o755
	case modeLink:
		return fs.ModeSymlink | 0o777
	case modeModule:
		return fs.ModeDir | fs.ModeIrregular
	}
	return fs.FileMode(0o644 | i.node.mode&0o111)
}

type openFile struct {
	*fileInfo
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.fileInfo, nil }
func (f *openFile) Close() error               { return nil }
func (f *openFile) Size() int64                { return f.fileInfo.Size() }

type openDir struct {
	*fileInfo
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.fileInfo, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a folder")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	some := d.rest
	if n > 0 {
		if len(some) == 0 {
			return nil, io.EOF
		}
		some = some[:min(n, len(some))]
	}
	d.rest = d.rest[len(some):]
	return some, nil
}
