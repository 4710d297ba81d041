package status

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"k8srepo/internal/bump"
	"k8srepo/internal/repo"
)

// question is a cell of which it is not known yet since when its tag runs.
type question struct {
	cell    *Cell
	env     string
	service int      // index in found.services
	files   []string // that hold the cell's images
	asked   int      // commits that changed the files and not the tag, the newest first
}

// since finds when each cell's tag came: with the newest commit before which something
// else ran. The history is read in few steps, and for all cells at once: a step asks the
// server for one change of each cell's files.
func since(ctx context.Context, store Store, tip *repo.Commit, r *Report, f *found, limit int) error {
	open := questions(r, f)
	for depth := min(50, limit); len(open) > 0; depth = min(depth*10, limit) {
		var paths []string
		for _, q := range open {
			paths = append(paths, q.files...)
		}
		slices.Sort(paths)
		w, err := store.Log(ctx, tip, depth, slices.Compact(paths)...)
		if err != nil {
			return err
		}
		if open, err = answer(ctx, store, f, open, w); err != nil {
			return err
		}
		if w.Whole || w.Cut || depth == limit {
			date := w.Oldest.UTC()
			for _, q := range open {
				q.cell.Before = &date
			}
			return nil
		}
	}
	return nil
}

// questions returns the cells that run one tag, with the files that it is in.
func questions(r *Report, f *found) []*question {
	row, column := map[string]int{}, map[string]int{}
	for i, s := range r.Services {
		row[s.Name] = i
	}
	for i, e := range r.Environments {
		column[e.Name] = i
	}
	known := map[*Cell]*question{}
	var open []*question
	for _, i := range f.images {
		for _, s := range i.service {
			cell := &r.Services[row[f.services[s].Name]].Environments[column[i.env]]
			if i.user || cell.Tag == "" {
				continue
			}
			q := known[cell]
			if q == nil {
				q = &question{cell: cell, env: i.env, service: s}
				known[cell] = q
				open = append(open, q)
			}
			if !slices.Contains(q.files, i.file) {
				q.files = append(q.files, i.file)
			}
		}
	}
	return open
}

// answer goes through the changes of a window, sets since when the tags of cells run, and
// returns the questions that the window does not answer.
func answer(ctx context.Context, store Store, f *found, open []*question, w *repo.Window) ([]*question, error) {
	changes := map[string][]int{} // by file, entries of the window
	for i, e := range w.Entries {
		for _, p := range e.Paths {
			changes[p] = append(changes[p], i)
		}
	}
	touching := map[*question][]int{}
	for _, q := range open {
		var list []int
		for _, file := range q.files {
			list = append(list, changes[file]...)
		}
		slices.Sort(list)
		touching[q] = slices.Compact(list)
	}
	var left []*question
	for len(open) > 0 {
		var now []*question
		parts := map[*repo.LogEntry][]string{}
		for _, q := range open {
			if q.asked >= len(touching[q]) {
				left = append(left, q)
				continue
			}
			now = append(now, q)
			if e := w.Entries[touching[q][q.asked]]; e.Before != nil {
				parts[e] = append(parts[e], q.files...)
			}
		}
		var fetch []repo.Part
		for _, e := range w.Entries {
			if paths, ok := parts[e]; ok {
				fetch = append(fetch, repo.Part{Commit: e.Before, Paths: paths})
			}
		}
		if err := store.Fetch(ctx, fetch...); err != nil {
			return nil, err
		}
		open = open[:0]
		for _, q := range now {
			e := w.Entries[touching[q][q.asked]]
			same, err := ranBefore(ctx, f, q, e)
			if err != nil {
				return nil, err
			}
			if same {
				q.asked++
				open = append(open, q)
				continue
			}
			date := e.Committer.When.UTC()
			q.cell.Since, q.cell.Commit = &date, e.Hash
		}
	}
	return left, nil
}

// ranBefore reports whether a cell's tag ran before a change of its files too. A file that
// was not there does not count; where none was, nothing ran.
func ranBefore(ctx context.Context, f *found, q *question, e *repo.LogEntry) (bool, error) {
	if e.Before == nil {
		return false, nil
	}
	seen := false
	for _, name := range q.files {
		data, err := e.Before.FS(ctx).ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		images, _ := (&bump.Query{Env: q.env, Root: "."}).Read([]bump.File{{Path: name, Data: data}}) // none, if it was not YAML then
		for _, i := range images {
			if !slices.Contains(f.serviceOf(i.Ref, q.env), q.service) {
				continue
			}
			if version(i.Ref) != q.cell.Tag {
				return false, nil
			}
			seen = true
		}
	}
	return seen, nil
}
