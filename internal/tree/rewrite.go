package tree

import (
	"context"
	"os"
)

// Rewrite is new content for a file that was read.
type Rewrite struct {
	File File
	Data []byte
}

// RewriteAll puts new content into the places of files, sorted by path, each if it
// still is the file that was read, with the same content, and no link. Each is replaced
// whole, several at a time; the first error ends it. Done is how many were replaced.
func RewriteAll(root *os.Root, rewrites []Rewrite) (done int, err error) {
	changes := make([]Change, len(rewrites))
	infos := make(map[string]os.FileInfo, len(rewrites))
	for i, r := range rewrites {
		changes[i] = Change{Action: Update, Path: r.File.Path, Old: r.File.Data, New: r.Data, Mode: r.File.info.Mode()}
		infos[r.File.Path] = r.File.info
	}
	return replaceAll(context.Background(), root, changes, func(f *folder, name string, c Change) (bool, error) {
		info, err := f.here.Lstat(name)
		if err != nil {
			return false, err
		}
		if !info.Mode().IsRegular() || !os.SameFile(info, infos[c.Path]) {
			return false, changed(c.Path)
		}
		return f.asPlanned(name, c)
	})
}
