package adopt

import (
	"bytes"
	"io/fs"
	"strconv"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
	"k8srepo/internal/render"
	"k8srepo/internal/tree"
)

// maxRounds is how often templates are mended and rendered again.
const maxRounds = 40

// prover renders templates in memory, and compares what they make with the copies.
type prover struct {
	fsys      fs.FS
	templates []*template
	files     map[string][]byte // the inventory and the templates as they are to be
	mended    bool              // some line is to be written in another way
	changed   map[*slot]bool    // those lines
	guards    guards            // of the other templates
	broken    map[string]bool   // templates whose lines cannot be shared
	left      []Left
}

// prove renders the templates. Where a copy is not what it was, the line is changed that
// makes the difference; a copy for which nothing helps is left.
func (p *prover) prove() error {
	source := inventory.Overlay{FS: p.fsys, Files: p.files}
	inv, err := inventory.Load(source, schema.Compile)
	if err != nil {
		return err
	}
	set, err := render.ParseTemplates(source, inv)
	if err != nil {
		return p.blame(err)
	}
	manifests, err := render.Render(set, inv, inv.Environments)
	byPath := map[string]*render.Manifest{}
	for i := range manifests {
		byPath[manifests[i].Path] = &manifests[i]
	}
	if p.guard(manifests) {
		return nil // there may be two files of one path
	}
	if err := p.blame(err); err != nil {
		return err
	}
	for _, t := range p.templates {
		for i, c := range t.copies {
			m := byPath[c.file.path]
			switch {
			case m == nil && p.unshare(t.family):
			case m == nil && !p.mended:
				p.leave(t, i, "the template renders no such file")
			case m == nil:
			default:
				p.compare(t, i, m)
			}
		}
	}
	return nil
}

// guard keeps templates that adopt did not make from rendering files that are not theirs, for a
// service or a scope that is new. It reports whether there are such files.
func (p *prover) guard(manifests []render.Manifest) bool {
	found := false
	for i := range manifests {
		m := &manifests[i]
		isOurs := p.templateOf(m.Template) != nil
		if isOurs || !strings.HasPrefix(m.Template, "templates/service/") && !strings.HasPrefix(m.Template, "templates/environment/") {
			continue
		}
		data, err := fs.ReadFile(p.fsys, m.Path)
		template, _, _ := tree.Rendered(m.Path, data)
		own := err == nil && template == m.Template
		if p.guards.add(m.Template, m.Subject, own) && !own {
			p.mended, found = true, true
		}
	}
	return found
}

// compare compares a copy with what was rendered for it.
func (p *prover) compare(t *template, copy int, m *render.Manifest) {
	data := t.copies[copy].file.data
	if _, same := m.Text.Match(data); same {
		return
	}
	if p.unshare(t.family) {
		return
	}
	line := bytes.Count(data[:m.Text.Difference(data)], []byte("\n"))
	if s := t.slotAt(copy, line); s != nil && p.mend(s) {
		return
	}
	p.leave(t, copy, "line "+strconv.Itoa(line+1)+": it cannot be rendered as it is written")
}

// blame finds the lines of templates that errors are about. An error that is about
// something else is returned.
func (p *prover) blame(err error) error {
	var others problem.List
	for _, problem := range problem.All(err) {
		t := p.templateOf(problem.Place.File)
		if p.unshare(p.familyOf(problem.Place.File)) || t != nil && p.unshare(t.family) {
			continue
		}
		if t == nil {
			others.Add(problem)
			continue
		}
		if p.mendLine(t, problem.Place.Line) {
			continue
		}
		for i := range t.copies {
			p.leave(t, i, problem.Message)
		}
	}
	return others.Err()
}

func (p *prover) templateOf(file string) *template {
	for _, t := range p.templates {
		if t.file() == file {
			return t
		}
	}
	return nil
}

// familyOf returns the family whose define is in a file; nil where none is.
func (p *prover) familyOf(file string) *family {
	for _, t := range p.templates {
		if t.family != nil && t.family.file() == file {
			return t.family
		}
	}
	return nil
}

// unshare has the templates of a family keep their own lines. It is false where there is no
// family.
func (p *prover) unshare(f *family) bool {
	if f == nil {
		return false
	}
	for _, t := range f.members {
		p.broken[t.file()] = true
	}
	p.mended = true
	return true
}

// leave leaves a copy, and those that are its copies in other environments.
func (p *prover) leave(t *template, copy int, reason string) {
	for _, c := range t.copies {
		if c.service != t.copies[copy].service || c.left {
			continue
		}
		c.left, p.mended = true, true
		if c == t.copies[copy] {
			p.left = append(p.left, c.file.leave(reason))
		} else {
			p.left = append(p.left, c.file.leave("its copy in "+t.copies[copy].env+" cannot be adopted"))
		}
	}
}

// slotAt returns the slot of a copy's line.
func (t *template) slotAt(copy, line int) *slot {
	var find func(list []*slot) *slot
	find = func(list []*slot) *slot {
		for _, s := range list {
			if s.has[copy] && s.line[copy] == line {
				return s
			}
			if found := find(s.kids); found != nil {
				return found
			}
		}
		return nil
	}
	return find(t.slots)
}

// mend has a slot be written in a plainer way, one step a round. It returns false where no
// plainer way is left. The lines of one scalar are mended together: the renderer writes all of
// them anew if there is a value in one.
func (p *prover) mend(s *slot) bool {
	all := []*slot{s}
	if s.kind == text && s.parent != nil {
		all = append([]*slot{s.parent}, s.parent.kids...)
	} else if s.form == block || s.form == open {
		all = append(all, s.kids...)
	}
	mended := false
	for _, s := range all {
		switch {
		case p.changed[s]:
			mended = true
			continue
		case !s.noVars:
			s.noVars = true
		case !s.noChoice:
			s.noChoice = true
		default:
			continue
		}
		p.changed[s], mended = true, true
	}
	p.mended = p.mended || mended
	return mended
}

// mendLine mends the slot of a template's line, counted from 1. Where the line is none of a
// copy, it mends every slot that has expressions.
func (p *prover) mendLine(t *template, line int) bool {
	at := line - 1
	if t.output != "" {
		at--
	}
	if at >= 0 && at < len(t.lines) && t.lines[at].slot != nil {
		return p.mend(t.lines[at].slot)
	}
	mended := false
	for _, l := range t.lines {
		if l.slot != nil && len(l.pieces) > 1 {
			mended = p.mend(l.slot) || mended
		}
	}
	return mended
}
