package manifest

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Proofs remembers the changes that were proved, so that the same change of a document of the
// same form need not be parsed again: most files of a k8s repo come from a few templates, and
// differ in names.
//
// The form of a document is its text with numbers in the place of its words, each word with the
// number of its first place. Two documents have one form if the words of one can be renamed to
// those of the other, each word alike in all its places. YAML is blind to that: a word here begins
// with a letter, has only letters, digits and ._-, is no boolean and no null, and nothing in the
// document could make it an anchor, an alias, a tag, an escape or a key that is too long. What is
// behind a # is not renamed, and a word of the tree that is there too has no number: nobody could
// say which of its places it is from. So the parser makes the same tree of both, but for the names:
// FuzzForm compares the two.
//
// What is remembered is the form of the text after the change together with that of the tree
// before it, with the change in it. If the parser found the two to agree for one document, they
// agree for the others.
type Proofs struct {
	proved sync.Map // forms
}

// form is the sum of a document's text after a change and of its tree before it.
type form [sha256.Size]byte

func (p *Proofs) has(f form) bool {
	_, proved := p.proved.Load(f)
	return proved
}

func (p *Proofs) add(f form) { p.proved.Store(f, nil) }

// maxFormLine is how long a line may be: the parser takes no key of over 1,024 characters.
const maxFormLine = 1000

// formOf returns the form of a change; ok is false where a document has none, or the change is
// of another kind than that of a scalar.
func (c *changes) formOf(before document, after []byte) (f form, ok bool) {
	if !before.scanned || c.filled || len(c.added) > 0 || len(c.spliced) > 0 || len(c.markers) > 0 {
		return f, false
	}
	if !isFormable(after) {
		return f, false
	}
	w := newFormWriter(2 * len(after))
	w.text(string(after))
	w.tree(before.node, c.values)
	for _, line := range before.comments {
		w.out = append(append(w.out, line...), endOfText)
	}
	return sha256.Sum256(w.out), !w.failed
}

// isFormable reports whether renaming the words of a text renames those of its tree, and no more.
func isFormable(text []byte) bool {
	line := 0
	for _, c := range text {
		switch {
		case c == '\n':
			line = 0
			continue
		case c < ' ', c == 0x7f, c == '\\', c == '&', c == '*', c == '!', c == '%', c == '?':
			return false
		}
		if line++; line > maxFormLine {
			return false
		}
	}
	return true
}

// What stands in a form between its parts. None of them is in a text that has a form.
const (
	wordNumber = 0x01 // the number of a word follows
	endOfText  = 0x02
	beginNode  = 0x03
	changed    = 0x04
)

// formWriter writes a form: first the text, then the tree.
type formWriter struct {
	out    []byte
	words  map[string]uint64 // the numbers of the words of the text
	behind map[string]bool   // the words behind a #
	failed bool              // there is no form
}

func newFormWriter(size int) *formWriter {
	return &formWriter{out: make([]byte, 0, size), words: map[string]uint64{}, behind: map[string]bool{}}
}

// text writes the document's text with numbers in the place of its words.
func (w *formWriter) text(s string) {
	for part, isWord := range formParts(s) {
		switch number, known := w.words[part]; {
		case isWord && known:
			w.number(number)
		case isWord:
			number = uint64(len(w.words))
			w.words[part] = number
			w.number(number)
		default:
			w.out = append(w.out, part...)
			if canBeWord(part) {
				w.behind[part] = true
			}
		}
	}
}

// value writes the value of a scalar with the numbers of its words.
func (w *formWriter) value(s string) {
	for run := range runs(s) {
		switch number, known := w.words[run]; {
		case known && !w.behind[run]:
			w.number(number)
		case known || canBeWord(run) && !w.behind[run]:
			w.failed = true
			return
		default:
			w.out = append(w.out, run...)
		}
	}
	w.out = append(w.out, endOfText)
}

func (w *formWriter) number(n uint64) { w.out = binary.AppendUvarint(append(w.out, wordNumber), n) }

// formParts returns the words of a text, and what stands between them. Behind a # on its line,
// where comments are, there are no words: which comments the parser keeps depends on their length.
func formParts(s string) iter.Seq2[string, bool] {
	return func(yield func(part string, isWord bool) bool) {
		behind := false
		for run := range runs(s) {
			if !yield(run, !behind && canBeWord(run)) {
				return
			}
			line := strings.LastIndexByte(run, '\n') + 1
			behind = behind && line == 0 || strings.Contains(run[line:], "#")
		}
	}
}

// runs cuts a text where bytes of words meet others.
func runs(s string) iter.Seq[string] {
	return func(yield func(run string) bool) {
		for s != "" {
			n, inWord := 1, isWordByte(s[0])
			for n < len(s) && isWordByte(s[n]) == inWord {
				n++
			}
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}

// canBeWord reports whether a run of runs is a word that can be renamed.
func canBeWord(run string) bool { return isLetter(run[0]) && !readsAsOther(run) }

func isWordByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '.' || c == '_' || c == '-'
}

// tree writes the nodes below n, with the values that they are to have.
func (w *formWriter) tree(n *yaml.Node, values map[*yaml.Node]any) {
	value, isChanged := values[n]
	text, isString := value.(string)
	if isChanged && !isString || n.Anchor != "" || n.Alias != nil {
		w.failed = true
		return
	}
	if isChanged {
		w.out = append(w.out, changed)
		w.value(text)
		return
	}
	w.out = append(w.out, beginNode, byte(n.Kind))
	w.out = binary.AppendUvarint(w.out, uint64(n.Style))
	w.out = binary.AppendUvarint(w.out, uint64(len(n.Content)))
	w.out = append(append(w.out, n.Tag...), endOfText)
	w.value(n.Value)
	for _, child := range n.Content {
		w.tree(child, values)
	}
}
