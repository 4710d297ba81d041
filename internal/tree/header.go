package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"

	"k8srepo/internal/manifest"
)

// header begins every rendered file. It names the template, and carries the
// checksum of what follows it, less what the images run: so a moved tag is no
// edit, and anything else is.
var header = regexp.MustCompile(`\A# Rendered by manifestgen from (\S+)\. DO NOT EDIT: [^\n]*\n# checksum: ([0-9a-f]{64})\n`)

// HeaderLines is how many lines the header has.
const HeaderLines = 2

func headerFor(template string, text *manifest.Text) []byte {
	return fmt.Appendf(nil, "# Rendered by manifestgen from %s. DO NOT EDIT: edit that, and render; tagbump moves the tags.\n# checksum: %s\n", template, checksum(text))
}

func checksum(text *manifest.Text) string {
	sum := sha256.New()
	text.Blank(func(b []byte) { sum.Write(b) })
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
	if err != nil || checksum(body) != string(m[2]) {
		return edited, template, body
	}
	return owned, template, body
}

// converted tells whether data is a rendered file whose line ends a tool has
// turned into CRLF.
func converted(data []byte) bool {
	return bytes.Contains(data, []byte("\r\n")) && header.Match(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
}
