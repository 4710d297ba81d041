package tree

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

// readEnv reads an environment's manifests: files that match what is wanted are
// noted with what they run, and all others kept.
func (d *differ) readEnv(root *os.Root, env string) {
	r := &envReader{differ: d, env: env}
	if err := Walk(root, path.Join(env, manifestsDir), r.visit); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.problems.Add(err)
		return
	}
	slices.SortFunc(r.found, func(a, b *have) int { return strings.Compare(a.path, b.path) })
	d.owned[env] = r.matched
	for _, h := range r.found {
		if w := d.wants[h.path]; w != nil {
			w.have = h
		}
		if h.whose, h.template, h.body = owner(h.path, h.data); h.whose != foreign {
			d.owned[env]++
		}
	}
	d.haves = append(d.haves, r.found...)
}

// envReader reads one environment.
type envReader struct {
	differ *differ
	env    string

	lock    sync.Mutex
	found   []*have
	matched int
}

func (r *envReader) visit(e Entry) error {
	wanted, folder := r.differ.wants[e.Path], r.differ.folders[e.Path]
	if wanted != nil && !e.Type.IsRegular() || folder && !e.Type.IsDir() {
		r.lock.Lock()
		defer r.lock.Unlock()
		r.differ.problems.Add(inTheWay(e.Path, e.Type))
		return nil
	}
	switch {
	case e.Leftover():
		r.lock.Lock()
		defer r.lock.Unlock()
		r.differ.plan.leftovers = append(r.differ.plan.leftovers, e.Path)
		return nil
	case !e.Type.IsRegular():
		return nil
	}
	file, differs, err := e.ReadIf(func(data []byte) bool { return wanted == nil || !wanted.match(data) })
	r.lock.Lock()
	defer r.lock.Unlock()
	if err == nil && !differs {
		r.matched++
	}
	if differs {
		r.found = append(r.found, &have{env: r.env, path: e.Path, data: file.Data, mode: file.info.Mode()})
	}
	return err
}

// match tells whether a file is what is wanted but for what its images run, and
// notes that. Each path is read once, so no two workers have the same w.
func (w *wanted) match(data []byte) bool {
	if bytes.HasPrefix(data, w.header) {
		w.runs, w.matches = w.Text.Match(data[len(w.header):])
	}
	return w.matches
}
