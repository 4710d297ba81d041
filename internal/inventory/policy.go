package inventory

import (
	"io/fs"
	"path"

	"k8srepo/internal/manifest"
)

// LoadDeploy reads how tags reach an environment, from its file and those that it
// extends; nothing else in them is looked at. The error is fs.ErrNotExist where
// the environment has no file.
func LoadDeploy(fsys fs.FS, env string) (Deploy, error) {
	if _, err := fs.Stat(fsys, path.Join(EnvironmentsDir, env+".yaml")); err != nil {
		return Deploy{}, err
	}
	l := &loader{fsys: fsys}
	entries, err := fs.ReadDir(fsys, EnvironmentsDir)
	if err != nil {
		return Deploy{}, err
	}
	docs := map[string]manifest.Value{}
	for name := env; name != ""; {
		file := name + ".yaml"
		if _, known := docs[name]; known || !has(entries, file) {
			break // what is wrong with that, extended tells
		}
		docs[name] = l.document(path.Join(EnvironmentsDir, file), true, "")
		base, _ := docs[name].Get("extends")
		name = base.Text
	}
	d := Deploy{Strategy: Push}
	if whole, ok := l.extended(docs, env, nil); ok {
		if v, given := whole.Get("deploy"); given {
			l.deploy(&d)(v)
		}
	}
	return d, l.problems.Err()
}

func has(entries []fs.DirEntry, name string) bool {
	for _, e := range entries {
		if e.Name() == name {
			return true
		}
	}
	return false
}
