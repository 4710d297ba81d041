package adopt

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// generic are keys that say little without what they are in.
var generic = map[string]bool{
	"value": true, "name": true, "path": true, "port": true, "number": true, "key": true, "type": true, "cpu": true, "memory": true,
	"image": true, "enabled": true, "size": true, "weight": true, "mode": true, "id": true, "kind": true, "storage": true, "url": true,
	"min": true, "max": true, "data": true, "text": true, "count": true, "command": true, "args": true,
}

// wrappers are keys that every manifest has, and that say nothing.
var wrappers = map[string]bool{
	"spec": true, "template": true, "metadata": true, "data": true, "string_data": true, "containers": true, "items": true, "job_template": true,
	"resources": true, "env": true, "annotations": true, "labels": true, "value_from": true, "rules": true, "http": true, "paths": true,
}

// names are names for a hole's variable, the best first. They say where it stands.
func (h *hole) names() []string {
	if h.slot == nil {
		return []string{snake(h.template.name), snake(h.template.name) + "_enabled"}
	}
	way := h.slot.way()
	own, above := h.ownName(way)
	list := []string{}
	add := func(name string) {
		if name = strings.Trim(name, "_"); name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	if !generic[own] {
		add(own)
	}
	for i := len(above) - 1; i >= 0; i-- {
		part := above[i]
		if wrappers[part] || part == "" || strings.HasPrefix(own, part) || strings.HasSuffix(own, part) {
			continue
		}
		add(join(part, own))
	}
	add(own)
	add(snake(h.template.name) + "_" + own)
	if len(list) == 0 {
		add("value")
	}
	return list
}

// join is the name of a thing that is part of another: memory of limits is memory_limit.
func join(of, name string) string {
	switch of {
	case "limits", "requests":
		return name + "_" + strings.TrimSuffix(of, "s")
	}
	return strings.TrimSuffix(of, "_probe") + "_" + name
}

// way is the slots from the document down to a slot.
func (s *slot) way() []*slot {
	var way []*slot
	for ; s != nil; s = s.parent {
		way = append(way, s)
	}
	slices.Reverse(way)
	return way
}

// ownName is what a hole's own line calls it, and the names of what it is in.
func (h *hole) ownName(way []*slot) (own string, above []string) {
	for _, s := range way[:len(way)-1] {
		above = append(above, s.called())
	}
	last := way[len(way)-1]
	switch {
	case h.role == presence && last.kind != entry && last.kind != item:
		own = lastOf(above)
	case last.kind == text:
		if own = wordBefore(h.textBefore()); own == "" {
			own = lastOf(above)
		}
	case last.kind == item && len(last.kids) == 0 && h.flag(last) != "":
		own = h.flag(last)
	case last.kind == item && len(last.kids) == 0:
		own = singular(lastOf(above))
	default:
		own = last.called()
	}
	if own == "value" && len(above) > 0 && last.parent != nil && last.parent.kind == item {
		own, above = lastOf(above), above[:len(above)-1]
	}
	return own, above
}

// called is the name of a slot, as part of a variable's.
func (s *slot) called() string {
	label := s.label
	switch s.kind {
	case document:
		kind, _, _ := strings.Cut(label, "/")
		return snake(kind)
	case item:
		_, label, _ = strings.Cut(label, "=")
	}
	if i := strings.LastIndexByte(label, '/'); i >= 0 {
		label = label[i+1:]
	}
	return snake(label)
}

var flagName = regexp.MustCompile(`^["']?--?([A-Za-z][A-Za-z0-9._-]*)[= ]`)

// flag is the name of a command's flag that an item sets.
func (h *hole) flag(s *slot) string {
	line := h.template.copies[s.of].lines[s.line[s.of]]
	if m := flagName.FindStringSubmatch(strings.TrimLeft(line, " -")); m != nil {
		return snake(m[1])
	}
	if m := flagName.FindStringSubmatch(strings.TrimPrefix(strings.TrimLeft(line, " "), "- ")); m != nil {
		return snake(m[1])
	}
	return ""
}

// textBefore is what stands before a hole on its line.
func (h *hole) textBefore() string {
	line := strings.TrimSpace(h.template.copies[h.slot.of].lines[h.slot.line[h.slot.of]])
	if at := strings.Index(line, h.before+h.values[0]); at >= 0 {
		return line[:at+len(h.before)]
	}
	return h.before
}

var lastWord = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.-]*)["']?\s*[:= ]\s*["']?$`)

func wordBefore(s string) string {
	if m := lastWord.FindStringSubmatch(s); m != nil {
		return snake(m[1])
	}
	return ""
}

func lastOf(list []string) string {
	for _, name := range slices.Backward(list) {
		if name != "" {
			return name
		}
	}
	return ""
}

func singular(s string) string {
	switch {
	case strings.HasSuffix(s, "ies"):
		return s[:len(s)-3] + "y"
	case strings.HasSuffix(s, "ss"), s == "args":
		return s
	}
	return strings.TrimSuffix(s, "s")
}

// snake is a key as part of a variable's name: maxReplicas is max_replicas.
func snake(s string) string {
	var b strings.Builder
	before := ' '
	for _, r := range s {
		isUpper := unicode.IsUpper(r)
		switch {
		case r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = '_'
		case isUpper && (unicode.IsLower(before) || unicode.IsDigit(before)):
			b.WriteByte('_')
		}
		before = r
		if r == '_' && (b.Len() == 0 || strings.HasSuffix(b.String(), "_")) {
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	name := strings.Trim(b.String(), "_")
	if name != "" && unicode.IsDigit(rune(name[0])) {
		return ""
	}
	return name
}
