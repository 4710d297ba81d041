package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"

	"k8srepo/internal/manifest"
)

// header begins every rendered file. It names the template, and carries the checksum
// of the rest with tags and digests blanked: a moved tag is no edit, and anything
// else is. The number before the checksum is its rule; rule 1 had none.
var header = regexp.MustCompile(`\A# Rendered by manifestgen from (\S+)\. DO NOT EDIT: [^\n]*\n# checksum: (?:([0-9]+) )?([0-9a-f]{64})\n`)

// HeaderLines is how many lines the header has.
const HeaderLines = 2

// checksumRule is the rule of the checksums that are written. Those of older rules
// are accepted.
const checksumRule = "2"

// blanks says, by rule, what a checksum leaves out.
var blanks = map[string]func(manifest.Running) bool{
	"":           func(r manifest.Running) bool { return !r.Marked },
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
	edited                   // it has one, and its checksum is off
	owned
)

// owner tells whose a file is. Body is what follows the header of one that is
// owned or edited; nil where that is not to be parsed.
func owner(name string, data []byte) (whose ownership, template string, body *manifest.Text) {
	m := header.FindSubmatch(data)
	if m == nil {
		return foreign, "", nil
	}
	template = string(m[1])
	file, err := manifest.Parse(name, data[len(m[0]):])
	if err != nil {
		return edited, template, nil
	}
	body, err = file.Text()
	rule := string(m[2])
	if err != nil || blanks[rule] == nil || checksum(body, rule) != string(m[3]) {
		return edited, template, body
	}
	return owned, template, body
}

// converted tells whether data is a rendered file whose line ends a tool has
// turned into CRLF.
func converted(data []byte) bool {
	return bytes.Contains(data, []byte("\r\n")) && header.Match(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
}
