package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"sync"

	"k8srepo/internal/bump"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// read returns the files of the environment that may hold an image that the query is about.
func read(root *os.Root, query *bump.Query) ([]tree.File, error) {
	dir := query.Dir()
	var lock sync.Mutex
	var files []tree.File
	var problems problem.List
	err := tree.Walk(root, dir, func(e tree.Entry) error {
		switch {
		case e.Type.IsDir(), e.Leftover():
			return nil
		case !e.Type.IsRegular():
			if inventory.IsInput(e.Path) {
				return nil
			}
			lock.Lock()
			defer lock.Unlock()
			problems.Add(stray(root, dir, e))
			return nil
		case !query.Covers(e.Path):
			return nil
		}
		file, wanted, err := e.ReadIf(query.Mentions)
		if err != nil || !wanted {
			return err
		}
		lock.Lock()
		defer lock.Unlock()
		files = append(files, file)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return files, problems.Err()
}

// stray returns a refusal where an entry is no regular file, and may be a manifest to
// programs that follow links. A link to what is below the folder may stay: that is read by
// its own name.
func stray(root *os.Root, dir string, e tree.Entry) error {
	what := "no regular file"
	if e.Type&fs.ModeSymlink != 0 {
		target, err := root.Readlink(e.Path)
		if file := path.Join(path.Dir(e.Path), target); err == nil && !path.IsAbs(target) && fs.ValidPath(file) && inventory.InFolder(dir, file) {
			return nil
		}
		if info, err := root.Stat(e.Path); err == nil && info.Mode().IsRegular() && !bump.IsManifest(e.Path) {
			return nil
		}
		what = "a symbolic link out of " + dir
	}
	p := problem.At(problem.Place{File: e.Path}, "nothing is written through it: put a file in its place, or move it away", "this is %s", what)
	p.Refused = true
	return p
}

// content returns files as an edit takes them.
func content(files []tree.File) []bump.File {
	list := make([]bump.File, len(files))
	for i, f := range files {
		list[i] = bump.File{Path: f.Path, Data: f.Data}
	}
	return list
}

// write puts the changed files into their places.
func write(root *os.Root, result *bump.Result, files []tree.File) error {
	byPath := make(map[string]tree.File, len(files))
	for _, f := range files {
		byPath[f.Path] = f
	}
	var rewrites []tree.Rewrite
	for _, change := range result.Files {
		rewrites = append(rewrites, tree.Rewrite{File: byPath[change.Path], Data: change.New})
	}
	done, err := tree.RewriteAll(root, rewrites)
	if err != nil && done > 0 {
		err = errors.Join(err, problem.New("run the same command again: it completes what is left", "%d of %d files are written", done, len(rewrites)))
	}
	return err
}

// noEnvironment returns the refusal of an environment that has no folder.
func noEnvironment(root *os.Root, request *bump.Request) error {
	envs, _ := tree.Environments(root) // for the hint alone
	hint := problem.DidYouMean(request.Env, envs)
	if len(envs) == 0 {
		hint = "name the k8s repo with --root; or, where manifests are in a folder of another name, that folder with --path"
	}
	return problem.Refuse(hint, "no environment %s: there is no folder %s", request.Env, request.Dir())
}

// elsewhere returns the files of other environments that may hold what is selected.
func elsewhere(root *os.Root, request *bump.Request) []bump.File {
	var files []bump.File
	folders := map[string]bool{}
	envs, _ := tree.Environments(root)
	for _, env := range envs {
		folders[path.Join(env, "manifests")] = true
	}
	paths, _ := inventory.LoadPaths(root.FS())
	for _, dir := range paths {
		folders[dir] = true
	}
	for dir := range folders {
		if inventory.Overlap(dir, request.Path()) {
			continue
		}
		other := request.Query
		other.Root = dir
		// This is for the hint alone: files that cannot be read there do not matter.
		found, _ := read(root, &other)
		files = append(files, content(found)...)
	}
	return files
}
