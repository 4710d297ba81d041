package tree

import (
	"os"
	"path"
	"runtime"
	"sync"
	"sync/atomic"
)

// Rewrite is new content for a file that was read.
type Rewrite struct {
	File File
	Data []byte
}

// RewriteAll puts new content into the places of files, sorted by path, each if it
// still is the file that was read, with the same content, and no link. Each is replaced whole, several at a time; the first error ends it. Done
// is how many were replaced.
func RewriteAll(root *os.Root, rewrites []Rewrite) (done int, err error) {
	var count atomic.Int64
	var first error
	var once sync.Once
	var failed atomic.Bool
	var workers sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for w := range n {
		mine := rewrites[w*len(rewrites)/n : (w+1)*len(rewrites)/n]
		workers.Go(func() {
			f := folder{root: root}
			defer f.close()
			for _, r := range mine {
				if failed.Load() {
					return
				}
				if err := f.rewrite(r); err != nil {
					once.Do(func() { first = err })
					failed.Store(true)
					return
				}
				count.Add(1)
			}
		})
	}
	workers.Wait()
	return int(count.Load()), first
}

func (f *folder) rewrite(r Rewrite) error {
	c := Change{Action: Update, Path: r.File.Path, Old: r.File.Data, New: r.Data}
	if err := f.open(c); err != nil {
		return at(c, err)
	}
	info, err := f.here.Lstat(path.Base(c.Path))
	if err != nil {
		return at(c, err)
	}
	if !info.Mode().IsRegular() || !os.SameFile(info, r.File.info) {
		return changed(c.Path)
	}
	c.Mode = info.Mode()
	return at(c, f.write(c))
}
