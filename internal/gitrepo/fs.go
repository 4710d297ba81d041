package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// errLink is what is said of paths through symbolic links.
var errLink = errors.New("is a symbolic link, which is not followed")

// FS is the tree of a Tip as a file system, for code that also reads folders on
// disk. What is not here is fetched when it is read, one request at a time: see
// Tip.Fetch. Symbolic links and submodules are listed and can be examined with
// Lstat and ReadLink; neither is opened or followed.
type FS struct {
	tip *Tip
	ctx context.Context
}

var (
	_ fs.ReadDirFS  = FS{}
	_ fs.ReadFileFS = FS{}
	_ fs.ReadLinkFS = FS{}
	_ fs.StatFS     = FS{}
)

// FS is the tip's tree. Its requests are made under ctx.
func (t *Tip) FS(ctx context.Context) FS { return FS{t, ctx} }

func (f FS) find(op, name string) (treeEntry, error) {
	if !fs.ValidPath(name) {
		return treeEntry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	e, err := f.tip.at(f.ctx, name)
	if err != nil {
		return e, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return e, nil
}

// content is a copy of the blob of e.
func (f FS) content(op, name string, e treeEntry) ([]byte, error) {
	err := f.tip.want(f.ctx, []Hash{e.hash}, "")
	if err == nil {
		var content []byte
		if content, err = f.tip.object(plumbing.BlobObject, e.hash); err == nil {
			return content, nil
		}
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: f.tip.remote.fault(f.ctx, err)}
}

// Open opens a file or a folder.
func (f FS) Open(name string) (fs.File, error) {
	e, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	info := &fileInfo{entry: e, name: path.Base(name), when: f.tip.Committer.When}
	switch mode := e.fileMode(); {
	case mode.IsDir():
		entries, err := f.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info, entries}, nil
	case mode.IsRegular():
		content, err := f.content("open", name, e)
		if err != nil {
			return nil, err
		}
		info.size = int64(len(content))
		return &openFile{info, bytes.NewReader(content)}, nil
	case mode&fs.ModeSymlink != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: errLink}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("is a submodule")}
}

// ReadFile reads a file. The bytes are the caller's.
func (f FS) ReadFile(name string) ([]byte, error) {
	e, err := f.find("read", name)
	switch {
	case err != nil:
		return nil, err
	case e.fileMode()&fs.ModeSymlink != 0:
		return nil, &fs.PathError{Op: "read", Path: name, Err: errLink}
	case !e.fileMode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is not a file")}
	}
	return f.content("read", name, e)
}

// ReadDir lists a folder by name. It brings no file's content, unless an
// entry's Info is asked for.
func (f FS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !e.isDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("is not a folder")}
	}
	err = f.tip.want(f.ctx, []Hash{e.hash}, filters[byTree])
	var dir *tree
	if err == nil {
		dir, err = f.tip.tree(e.hash)
	}
	if err == nil {
		err = f.tip.listed.add(len(dir.entries))
	}
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: f.tip.remote.fault(f.ctx, err)}
	}
	sorted := slices.Clone(dir.entries)
	slices.SortFunc(sorted, func(a, b treeEntry) int { return strings.Compare(a.name, b.name) })
	entries := make([]fs.DirEntry, len(sorted))
	for i, below := range sorted {
		entries[i] = &dirEntry{f, path.Join(name, below.name), below}
	}
	return entries, nil
}

// Stat is Lstat, since no link is followed.
func (f FS) Stat(name string) (fs.FileInfo, error) { return f.Lstat(name) }

// Lstat describes what is at name. It brings a file's content, for its size.
func (f FS) Lstat(name string) (fs.FileInfo, error) {
	e, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return f.describe(name, e)
}

func (f FS) describe(name string, e treeEntry) (fs.FileInfo, error) {
	info := &fileInfo{entry: e, name: path.Base(name), when: f.tip.Committer.When}
	if e.hasBlob() {
		content, err := f.content("stat", name, e)
		if err != nil {
			return nil, err
		}
		info.size = int64(len(content))
	}
	return info, nil
}

// ReadLink is where a symbolic link points to.
func (f FS) ReadLink(name string) (string, error) {
	e, err := f.find("readlink", name)
	if err != nil {
		return "", err
	}
	if e.fileMode()&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, err := f.content("readlink", name, e)
	return string(target), err
}

type fileInfo struct {
	entry treeEntry
	name  string
	size  int64
	when  time.Time
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.size }
func (i *fileInfo) Mode() fs.FileMode  { return i.entry.fileMode() }
func (i *fileInfo) ModTime() time.Time { return i.when } // the commit's: Git has no other
func (i *fileInfo) IsDir() bool        { return i.entry.isDir() }
func (i *fileInfo) Sys() any           { return nil }

type dirEntry struct {
	fs    FS
	path  string
	entry treeEntry
}

func (d *dirEntry) Name() string               { return d.entry.name }
func (d *dirEntry) IsDir() bool                { return d.entry.isDir() }
func (d *dirEntry) Type() fs.FileMode          { return d.entry.fileMode().Type() }
func (d *dirEntry) Info() (fs.FileInfo, error) { return d.fs.describe(d.path, d.entry) }
func (d *dirEntry) String() string             { return fs.FormatDirEntry(d) }

// openFile is a file that can be read, and sought in.
type openFile struct {
	info *fileInfo
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

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
