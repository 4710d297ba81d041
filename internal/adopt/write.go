package adopt

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
)

// write notes the files of the inventory and the templates that are to be written.
func (r *run) write(after, before *state) error {
	if before != nil {
		now := after.texts()
		for file := range before.texts() {
			if _, there := now[file]; !there {
				r.result.Files[file] = nil
			}
		}
	}
	for _, name := range after.settings.names() {
		r.result.Values += bytes.Count(after.settings.fresh(name), []byte("\n"))
	}
	files, err := after.settings.files(r.readFile, after.was)
	if err != nil {
		return err
	}
	for name, data := range files {
		r.result.Files[name] = data
	}
	for file, text := range after.texts() {
		if text != r.disk[file] {
			r.result.Files[file] = []byte(text)
		}
	}
	for file, text := range r.disk {
		if guarded := after.guards.guarded(file, text); guarded != text {
			r.result.Files[file] = []byte(guarded)
		}
	}
	return nil
}

// files returns the files of the inventory as they are to be. Was is what was set for the
// manifests that were adopted before; nil if none were. A file that holds that and nothing
// else is written anew; in another, entries are set and deleted, and what people wrote
// stays.
func (s *settings) files(read func(name string) ([]byte, error), was *settings) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range s.names() {
		data, err := read(name)
		if err != nil {
			return nil, err
		}
		fresh := s.fresh(name)
		if data == nil || was != nil && bytes.Equal(data, was.fresh(name)) {
			if len(fresh) > 0 && !bytes.Equal(data, fresh) {
				files[name] = fresh
			}
			continue
		}
		changed, err := s.patched(name, data, was)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(data, changed) {
			files[name] = changed
		}
	}
	return files, nil
}

// names returns the files.
func (s *settings) names() []string {
	names := []string{inventory.VariablesFile, inventory.UsersFile}
	for _, e := range s.envs {
		names = append(names, envFile(e.name))
	}
	return names
}

func envFile(name string) string { return path.Join(inventory.EnvironmentsDir, name+".yaml") }

// fresh returns the text of a file that holds what is set and nothing else.
func (s *settings) fresh(name string) []byte {
	switch name {
	case inventory.VariablesFile:
		var b strings.Builder
		for _, f := range s.variables {
			writeEntry(&b, 0, f)
		}
		return []byte(b.String())
	case inventory.UsersFile:
		return usersFile(s.services)
	}
	for _, e := range s.envs {
		if envFile(e.name) == name {
			return e.file()
		}
	}
	return nil
}

// patched returns a file with what is set in it.
func (s *settings) patched(name string, data []byte, was *settings) ([]byte, error) {
	f, err := manifest.Parse(name, data)
	if err != nil {
		return nil, err
	}
	p := &patcher{}
	var stale []manifest.Field // variables that were set
	if was != nil {
		stale = was.variables
	}
	switch name {
	case inventory.VariablesFile:
		p.entries("", s.variables, stale, s.inventory.Defaults)
	case inventory.UsersFile:
		for _, service := range s.services {
			there := s.inventory.Service(service.name)
			if there == nil {
				p.list = append(p.list, manifest.InsertAt(manifest.MustPath("services"), service.value()))
				continue
			}
			p.vars("services[name="+service.name+"]", service.vars, stale, there.Source)
		}
	default:
		for _, e := range s.envs {
			if envFile(e.name) == name {
				s.patchEnv(p, e, stale)
			}
		}
	}
	return f.Patch(p.list...)
}

// patchEnv changes an environment's file.
func (s *settings) patchEnv(p *patcher, e *envSettings, stale []manifest.Field) {
	env := s.inventory.Environment(e.name)
	own := env.Chain[len(env.Chain)-1].Source
	for _, f := range e.keys {
		if f.Key.Text != "templates" {
			continue // the file says the rest itself
		}
		scopes := slices.Clone(env.Templates)
		for _, item := range f.Value.Items {
			if !slices.Contains(scopes, item.Text) {
				scopes = append(scopes, item.Text)
			}
		}
		if len(scopes) > len(env.Templates) {
			p.list = append(p.list, manifest.SetAt(manifest.MustPath("templates"), manifest.NewList(scopes...)))
		}
	}
	p.vars("", e.vars, stale, own)
	overrides, _ := own.Get("services")
	for _, o := range e.services {
		there, _ := overrides.Get(o.name)
		where := "services." + o.name
		if service := s.inventory.Service(o.name); service == nil || o.image != "" && env.Image(service) != o.image || o.absent && !env.Overrides[o.name].Absent {
			if o.absent {
				p.list = append(p.list, manifest.SetAt(manifest.MustPath(where+".state"), manifest.NewString("absent")))
			}
			if o.image != "" {
				p.list = append(p.list, manifest.SetAt(manifest.MustPath(where+".image"), manifest.NewString(o.image)))
			}
		}
		p.vars(where, o.vars, stale, there)
	}
}

// patcher collects changes of a file.
type patcher struct{ list []manifest.Patch }

// vars changes the variables of a map. Where all of them go, the map goes.
func (p *patcher) vars(where string, vars, stale []manifest.Field, there manifest.Value) {
	now, _ := there.Get("vars")
	prefix := strings.TrimPrefix(where+".vars", ".")
	if len(vars) == 0 && len(now.Fields) > 0 && !slices.ContainsFunc(now.Fields, func(f manifest.Field) bool { return !has(stale, f.Key.Text) }) {
		p.list = append(p.list, manifest.DeleteAt(manifest.MustPath(prefix)))
		return
	}
	p.entries(prefix+".", vars, stale, now)
}

// entries changes the entries of a map: those that are set, and those that were and are
// no longer.
func (p *patcher) entries(prefix string, set, stale []manifest.Field, now manifest.Value) {
	for _, f := range now.Fields {
		if has(stale, f.Key.Text) && !has(set, f.Key.Text) {
			p.list = append(p.list, manifest.DeleteAt(manifest.MustPath(prefix+f.Key.Text)))
		}
	}
	for _, f := range set {
		if v, there := now.Get(f.Key.Text); !there || string(manifest.AppendFlow(nil, v)) != string(manifest.AppendFlow(nil, f.Value)) {
			p.list = append(p.list, manifest.SetAt(manifest.MustPath(prefix+f.Key.Text), f.Value))
		}
	}
}

func has(fields []manifest.Field, key string) bool {
	return slices.ContainsFunc(fields, func(f manifest.Field) bool { return f.Key.Text == key })
}
