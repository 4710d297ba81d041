package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// header begins every rendered file. It names the template, and carries the checksum
// of the rest with tags and digests blanked: a moved tag is no edit, and anything
// else is. The number before the checksum is its rule; rule 1 had none.
var header = lazyregexp.New(`\A# Rendered by manifestgen from (\S+)\. DO NOT EDIT: [^\n]*\n# checksum: (?:([0-9]+) )?([0-9a-f]{64})\n`)

// headerLine is either line of the header, in any place.
var headerLine = lazyregexp.New(`(?m)^# Rendered by manifestgen from (\S+)\. DO NOT EDIT: |^# checksum: (?:[0-9]+ )?[0-9a-f]{64}\r?$`)

// HeaderLines is how many lines the header has.
const HeaderLines = 2

// checksumRule is the rule of the checksums that are written. Those of older rules
// are accepted, and written anew.
const checksumRule = "2"

// blanks says, by rule, what a checksum leaves out. Rule 1 had no number, and knew
// the containers and volumes of pods alone.
var blanks = map[string]func(manifest.Running) bool{
	"":           func(r manifest.Running) bool { return r.Pod && !r.Marked },
	checksumRule: func(manifest.Running) bool { return true },
}

func headerFor(template string, text *manifest.Text) []byte {
	return fmt.Appendf(nil, "# Rendered by manifestgen from %s. DO NOT EDIT: change the template or the inventory and render; tagbump moves the tags.\n# checksum: %s %s\n",
		template, checksumRule, checksum(text, checksumRule))
}

func checksum(text *manifest.Text, rule string) string {
	sum := sha256.New()
	text.Blank(func(b []byte) { sum.Write(b) }, blanks[rule])
	return hex.EncodeToString(sum.Sum(nil))
}

// ownership is whose a file is.
type ownership int

const (
	foreign ownership = iota // it has no header: not ours
	edited                   // it has one, and is not as it was rendered
	owned
)

// fault is why a file is not owned.
type fault int

const (
	noFault        fault = iota
	handEdit             // its checksum is off
	invalidTag           // a tag is empty or malformed
	newerRule            // a newer manifestgen wrote its checksum
	byteOrderMark        // an editor put one before the header
	crlf                 // its line ends were converted
	misplaced            // one of the header's lines is not where it belongs
	noHeader             // it has none
	editedSide           // a side of a merge conflict is not as it was rendered
	partialMarkers       // some of a conflict's markers are gone
)

// verdict is whose a file is, and why.
type verdict struct {
	whose    ownership
	fault    fault
	line     int // where the fault is; 0 where that is not known
	template string
	body     *manifest.Text // what follows the header; nil if it cannot be read
	conflict *conflict      // nil without conflict markers
}

var bom = []byte("\xef\xbb\xbf")

// judge finds out whose a file is.
func judge(name string, data []byte, stages Stages) verdict {
	if v := judgeRendered(name, data); v.whose == owned {
		return v
	} else if hasConflict(data) {
		return judgeConflict(name, data, stages)
	} else if v.whose == edited {
		return v
	}
	if rest, has := bytes.CutPrefix(data, bom); has {
		if v := judgeRendered(name, rest); v.whose != foreign {
			v.whose, v.fault = edited, byteOrderMark
			return v
		}
	}
	v := verdict{whose: foreign, fault: noHeader}
	if bytes.Contains(data, []byte("image")) || bytes.Contains(data, []byte("tagbump:")) {
		v.body = parseText(name, data)
	}
	m := headerLine.FindSubmatchIndex(data)
	switch {
	case m == nil:
		return v
	case header.Match(toLF(data)):
		v.fault = crlf
	default:
		v.fault, v.line = misplaced, 1+bytes.Count(data[:m[0]], []byte("\n"))
	}
	return v
}

// judgeRendered is judge for a file without conflict markers, as it was rendered or edited.
func judgeRendered(name string, data []byte) verdict {
	m := header.FindSubmatch(data)
	if m == nil {
		return verdict{whose: foreign, fault: noHeader}
	}
	v := verdict{whose: edited, fault: handEdit, template: string(m[1]), body: parseText(name, data[len(m[0]):])}
	rule := string(m[2])
	switch {
	case blanks[rule] == nil:
		v.fault = newerRule
	case v.body == nil:
	default:
		for _, i := range v.body.Images {
			if !i.Tagged {
				v.fault, v.line = invalidTag, i.Line+HeaderLines
				return v
			}
		}
		if checksum(v.body, rule) == string(m[3]) {
			v.whose, v.fault = owned, noFault
		}
	}
	return v
}

// Rendered reports whether a file is as it was rendered, tags aside, and returns the
// template in its header, and what follows the header. Where it was edited, only the
// template is returned.
func Rendered(name string, data []byte) (template string, body []byte, ok bool) {
	v := judgeRendered(name, data)
	if v.whose != owned {
		return v.template, nil, false
	}
	return v.template, v.body.Data, true
}

// parseText parses a file; nil where it is no YAML.
func parseText(name string, data []byte) *manifest.Text {
	file, err := manifest.Parse(name, data)
	if err != nil {
		return nil
	}
	text, _ := file.Text() // what is no object runs nothing
	return text
}

func toLF(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) }

// refusal is why a file may not be overwritten or removed. W is what is wanted in
// its place, nil if nothing is.
func (f *file) refusal(w *Want) *problem.Problem {
	force := "put the change into " + f.template + " or what it is rendered from; then render --force overwrites this file"
	p := &problem.Problem{Place: problem.Place{File: f.path, Line: f.line}, Refused: true, Code: problem.Edited}
	switch f.fault {
	case handEdit:
		p.Message, p.Hint = "the file was edited by hand", force
	case invalidTag:
		p.Message, p.Hint = "the file was edited by hand: this tag is empty or malformed", "write the tag that is to run, such as :1f0c9ae"
	case newerRule:
		p.Message, p.Hint = "a newer manifestgen rendered this file", "upgrade manifestgen; render --force overwrites the file with what this version makes"
	case byteOrderMark:
		p.Message, p.Hint = "a byte order mark is before the header of this rendered file", "save it as UTF-8 without BOM, or render --force overwrites it"
	case crlf:
		p.Message, p.Hint = "the line ends of this rendered file were converted to CRLF", "check it out as it is (git config core.autocrlf false, or eol=lf in .gitattributes)"
		p.Code = problem.LineEnds
	case misplaced:
		p.Message, p.Hint = "the header of this rendered file is damaged: its two lines must be the first two", "restore them (git checkout -- "+f.path+"), or move the file away and render"
	case editedSide:
		p.Message = "this file has a merge conflict, and " + f.conflict.edited
		p.Hint = "put the change into " + f.template + " or what it is rendered from; then render --force writes the file anew"
	case partialMarkers:
		p.Message, p.Hint = "merge conflict markers were left here, and some of them are gone", "git checkout -m -- "+f.path+" brings them back, and render resolves them; or render --force writes the file anew"
	default:
		p.Message, p.Hint, p.Code = "the file is there and was not rendered by manifestgen", "move it away, or rename the template that wants this path", problem.Foreign
		if w != nil && f.sameAs(w) {
			p.Message = "the file holds what manifestgen renders, without its header"
			p.Hint = "restore the first two lines (git checkout -- " + f.path + "), or move the file away and render"
		}
	}
	return p
}

// locate finds the line of a hand edit, if only that can make the file differ from what
// is wanted: the checksum that it carries is that of the wanted text.
func (f *file) locate(w *Want) {
	header := headerFor(w.Template, w.Text)
	if f.fault != handEdit || !bytes.HasPrefix(f.data, header) {
		return
	}
	body := f.data[len(header):]
	at := w.Text.Difference(body)
	f.line = HeaderLines + 1 + bytes.Count(body[:at], []byte("\n"))
	rest := body[at:]
	isTag := len(rest) == 0 || bytes.IndexByte([]byte(":@\r\n\"' "), rest[0]) >= 0
	for _, i := range w.Text.Images {
		if i.Tracked && i.Line+HeaderLines == f.line && isTag && !bytes.HasPrefix(rest, []byte(": ")) {
			f.fault = invalidTag
		}
	}
}

// sameAs reports whether the file is what is wanted, tags aside, or holds the same objects.
func (f *file) sameAs(w *Want) bool {
	if _, same := w.Text.Match(f.data); same {
		return true
	}
	if f.body == nil || len(f.body.Objects) == 0 || len(f.body.Objects) != len(w.Text.Objects) {
		return false
	}
	for i, o := range f.body.Objects {
		if o.Identity() != w.Text.Objects[i].Identity() {
			return false
		}
	}
	return true
}
