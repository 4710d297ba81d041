package inventory

import (
	"io/fs"
	"path"

	"k8srepo/internal/manifest"
)

// LoadDeploy reads how tags reach an environment. See LoadEnvironment.
func LoadDeploy(fsys fs.FS, env string) (Deploy, error) {
	e, err := LoadEnvironment(fsys, env)
	if e == nil {
		return Deploy{}, err
	}
	return e.Deploy, err
}

// LoadEnvironment reads from an environment's file, and those that it extends,
// what those need who move tags: its Deploy, its Path, and its services' images
// (see Environment.Image). Nothing else in the files is looked at, and users.yaml
// is not read. The error is fs.ErrNotExist where the environment has no file.
func LoadEnvironment(fsys fs.FS, env string) (*Environment, error) {
	if _, err := fs.Stat(fsys, path.Join(EnvironmentsDir, env+".yaml")); err != nil {
		return nil, err
	}
	l := &loader{fsys: fsys}
	entries, err := fs.ReadDir(fsys, EnvironmentsDir)
	if err != nil {
		return nil, err
	}
	docs := map[string]manifest.Value{}
	for name := env; name != ""; {
		file := name + ".yaml"
		if _, known := docs[name]; known || !has(entries, file) {
			break // extended reports what is wrong with that
		}
		docs[name] = l.document(path.Join(EnvironmentsDir, file), true, "")
		base, _ := docs[name].Get("extends")
		name = base.Text
	}
	whole, ok := l.extended(docs, env, nil)
	if !ok {
		return newEnvironment(env, whole, nil), l.problems.Err()
	}
	e := newEnvironment(env, whole, chainOf(docs, env))
	l.some(whole, map[string]func(manifest.Value){
		"abstract": l.boolean(&e.Abstract, "abstract"),
		"path":     l.pathTo(&e.Path),
		"deploy":   l.deploy(&e.Deploy),
	})
	for _, link := range e.Chain {
		l.some(link.Source, map[string]func(manifest.Value){"registry": l.registryTo(&e.Registry), "services": l.imagesTo(e)})
	}
	return e, l.problems.Err()
}

// imagesTo reads the images in an environment's services, and nothing else.
func (l *loader) imagesTo(e *Environment) func(manifest.Value) {
	return func(v manifest.Value) {
		for _, f := range v.Fields {
			o := e.Overrides[f.Key.Text]
			l.some(f.Value, map[string]func(manifest.Value){"image": l.imageTo(&o.Image)})
			if e.Overrides == nil {
				e.Overrides = map[string]Override{}
			}
			e.Overrides[f.Key.Text] = o
		}
	}
}

func has(entries []fs.DirEntry, name string) bool {
	for _, e := range entries {
		if e.Name() == name {
			return true
		}
	}
	return false
}
