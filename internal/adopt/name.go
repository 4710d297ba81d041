package adopt

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"k8srepo/internal/lazyregexp"
)

// vague are keys that say nothing without what they are in; generic ones say little.
var (
	vague = map[string]bool{
		"value": true, "name": true, "path": true, "port": true, "number": true, "key": true, "type": true, "id": true, "kind": true, "text": true,
		"command": true, "args": true, "data": true, "": true,
	}
	generic = map[string]bool{
		"cpu": true, "memory": true, "storage": true, "image": true, "enabled": true, "size": true, "weight": true, "mode": true, "url": true,
		"min": true, "max": true, "count": true,
	}
)

// wrappers are keys that every manifest has, and that say nothing.
var wrappers = map[string]bool{
	"spec": true, "template": true, "metadata": true, "data": true, "string_data": true, "containers": true, "items": true, "job_template": true,
	"resources": true, "env": true, "annotations": true, "labels": true, "value_from": true, "rules": true, "http": true, "paths": true, "http_get": true,
}

// nameAll gives variables their names. Where several would have one name, each gets one
// that says more.
func nameAll(list []*variable, taken []string) {
	level := make([]int, len(list))
	candidates := make([][]string, len(list))
	for i, v := range list {
		candidates[i] = v.candidates()
	}
	for {
		wanted := map[string][]int{}
		for i := range list {
			name := candidates[i][min(level[i], len(candidates[i])-1)]
			wanted[name] = append(wanted[name], i)
		}
		again := false
		for name, by := range wanted {
			if len(by) == 1 && !slices.Contains(taken, name) {
				continue
			}
			for _, i := range by {
				if level[i] < len(candidates[i])-1 {
					level[i]++
					again = true
				}
			}
		}
		if !again {
			break
		}
	}
	used := map[string]bool{}
	for i, v := range list {
		base := candidates[i][min(level[i], len(candidates[i])-1)]
		v.name = base
		for n := 2; used[v.name] || slices.Contains(taken, v.name); n++ {
			v.name = base + "_" + strconv.Itoa(n)
		}
		used[v.name] = true
	}
}

// candidates returns names for a variable, the best first: those that all its places have.
func (v *variable) candidates() []string {
	list := slices.Clone(v.holes[0].names())
	for _, h := range v.holes[1:] {
		names := h.names()
		list = slices.DeleteFunc(list, func(name string) bool { return !slices.Contains(names, name) })
	}
	if len(list) == 0 {
		list = v.holes[0].names()
	}
	return list
}

// names returns names for a hole's variable, the best first. They say where it stands.
func (h *hole) names() []string {
	if h.known != nil {
		return h.known
	}
	add := func(name string) {
		if name = strings.Trim(name, "_"); name != "" && !slices.Contains(h.known, name) {
			h.known = append(h.known, name)
		}
	}
	template := snake(h.template.name)
	if h.slot == nil {
		add(template)
		add(template + "_file")
		return h.known
	}
	own, above := h.ownName()
	if !vague[own] && !generic[own] {
		add(own)
	}
	probe := slices.ContainsFunc(above, func(s string) bool { return strings.HasSuffix(s, "_probe") })
	if probe && vague[own] {
		add("probe_" + own)
	}
	for _, part := range slices.Backward(above) {
		if wrappers[part] || part == "" || strings.HasPrefix(own, part) || strings.HasSuffix(own, part) {
			continue
		}
		add(join(part, own))
		if generic[own] {
			add(own)
		}
		if probe && strings.HasSuffix(part, "_probe") {
			add("probe_" + own)
		}
	}
	add(template + "_" + own)
	if !vague[own] {
		add(own)
	}
	return h.known
}

// own returns what a hole's own line calls it.
func (h *hole) own() string {
	if h.slot == nil {
		return snake(h.template.name)
	}
	own, _ := h.ownName()
	return own
}

// join returns the name of a thing that is part of another: memory of limits is memory_limit.
func join(of, name string) string {
	switch of {
	case "limits", "requests":
		return name + "_" + strings.TrimSuffix(of, "s")
	}
	return strings.TrimSuffix(of, "_probe") + "_" + name
}

// way returns the slots from the document down to a slot.
func (s *slot) way() []*slot {
	var way []*slot
	for ; s != nil; s = s.parent {
		way = append(way, s)
	}
	slices.Reverse(way)
	return way
}

// ownName returns what a hole's own line calls it, and the names of what it is in.
func (h *hole) ownName() (own string, above []string) {
	way := h.slot.way()
	for _, s := range way[:len(way)-1] {
		above = append(above, s.called())
	}
	last := way[len(way)-1]
	switch {
	case last.kind == text && h.role == presence:
		own = nameInText(h.line()+" ", lastOf(above))
		if own == "" {
			own = snake(firstWord.FindString(h.line()))
		}
	case h.role == presence && last.kind != entry && last.kind != item:
		own = lastOf(above)
	case last.kind == text:
		own = nameInText(h.textBefore(), lastOf(above))
	case last.kind == item && len(last.kids) == 0:
		if own = h.flag(); own == "" {
			own = singular(lastOf(above))
		}
	default:
		own = last.called()
		if m := assigned.FindStringSubmatch(h.before); m != nil { // a part of it, which has a name there
			own, above = snake(m[1]), append(above, own)
		}
	}
	if own == "" {
		own = lastOf(above)
	}
	if own == "value" && len(above) > 0 && last.parent != nil && last.parent.kind == item && last.parent.called() != "" {
		own, above = lastOf(above), above[:len(above)-1]
	}
	return own, above
}

// called returns the name of a slot, as part of a variable's.
func (s *slot) called() string {
	label := s.label
	switch s.kind {
	case entry:
		label = s.like.key
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

// line returns a hole's line in the copy that has it first, without indentation and dashes.
func (h *hole) line() string {
	return strings.TrimLeft(h.template.copies[h.slot.of].lines[h.slot.line[h.slot.of]], " -")
}

var (
	flagName  = lazyregexp.New(`^["']?--?([A-Za-z][A-Za-z0-9._-]*)[= ]`)
	firstWord = lazyregexp.New(`[A-Za-z][A-Za-z0-9_.-]*`)
	lastWord  = lazyregexp.New(`([A-Za-z][A-Za-z0-9_.-]*)["']?\s*[:= ]\s*["']?$`)
	assigned  = lazyregexp.New(`([A-Za-z][A-Za-z0-9_.-]*)=["']?[^\s"'=&:]*$`)
	firstKey  = lazyregexp.New(`^["']?([A-Za-z][A-Za-z0-9_.-]*)["']?\s*(?:=|:(?:[\s"']|$))`)
)

// fillers are words of prose that name nothing.
var fillers = map[string]bool{
	"a": true, "an": true, "and": true, "are": true, "as": true, "at": true, "by": true, "for": true, "from": true, "if": true, "in": true, "is": true,
	"it": true, "not": true, "of": true, "on": true, "or": true, "than": true, "that": true, "the": true, "then": true, "this": true, "to": true, "with": true,
}

// nameInText returns what a line of text calls what stands behind some of it: the key, flag or word
// before it, else the key that the line begins with; "" where it is prose. Of is what the text
// is of.
func nameInText(before, of string) string {
	if strings.HasPrefix(before, "#") || strings.HasPrefix(before, "//") {
		return strings.Trim(of+"_comment", "_")
	}
	if m := assigned.FindStringSubmatch(before); m != nil {
		return snake(strings.TrimLeft(m[1], "-"))
	}
	word, isFlag, isKey := "", false, false
	if m := lastWord.FindStringSubmatchIndex(before); m != nil {
		word, isFlag, isKey = before[m[2]:m[3]], m[2] > 0 && before[m[2]-1] == '-', strings.ContainsAny(before[m[3]:], ":=")
	}
	if key := firstKey.FindStringSubmatch(before); key != nil && !isFlag && !isKey {
		word = key[1] // what stands before is the key's
	}
	if word = snake(word); fillers[word] && !isKey {
		return ""
	}
	return word
}

// flag returns the name of a command's flag that an item sets.
func (h *hole) flag() string {
	line := h.template.copies[h.slot.of].lines[h.slot.line[h.slot.of]]
	if m := flagName.FindStringSubmatch(strings.TrimPrefix(strings.TrimLeft(line, " "), "- ")); m != nil {
		return snake(m[1])
	}
	return ""
}

// textBefore returns what stands before a hole on its line.
func (h *hole) textBefore() string {
	line := strings.TrimSpace(h.template.copies[h.slot.of].lines[h.slot.line[h.slot.of]])
	if at := strings.Index(line, h.before+h.values[0]); at >= 0 {
		return line[:at+len(h.before)]
	}
	return h.before
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

// snake returns a key as part of a variable's name: maxReplicas is max_replicas.
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
	return strings.TrimRight(strings.TrimLeft(b.String(), "_0123456789"), "_")
}
