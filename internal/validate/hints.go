package validate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// hintFor says what to write instead of what the API server's code refuses; "" where there is
// nothing to add to its message.
func (o *object) hintFor(e *field.Error, bad string) string {
	switch {
	case e.Type == field.ErrorTypeNotSupported && bad != "":
		words := quotedWords(e.Detail)
		if near := cmp.Or(problem.Nearest(bad, words), beginning(bad, words)); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
	case strings.Contains(e.Detail, "`selector` does not match template `labels`"):
		return o.unmatched(strings.TrimSuffix(e.Field, "template.metadata.labels"))
	case milliMemory.MatchString(e.Detail):
		return "m is a thousandth of a byte; write Mi"
	case e.Type == field.ErrorTypeRequired && strings.HasSuffix(e.Field, "resources[storage]"):
		return "write " + strings.TrimSuffix(e.Field, "[storage]") + ".requests.storage"
	}
	return ""
}

// milliMemory is a limit of memory in thousandths: M or Mi was meant.
var milliMemory = lazyregexp.New(`memory limit of \d+m$`)

// unmatched says which labels a selector asks for, and the pods do not have; spec is the path of
// both.
func (o *object) unmatched(spec string) string {
	wanted, _ := o.valueAt(spec + "selector.matchLabels")
	labels, _ := o.valueAt(spec + "template.metadata.labels")
	var missing []string
	for _, f := range wanted.Fields {
		if has, ok := labels.Get(f.Key.Text); !ok || has.Text != f.Value.Text {
			missing = append(missing, f.Key.Text+": "+f.Value.Text)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "the selector asks for " + strings.Join(missing, ", ")
}

// badValue returns the text of a value that is refused, and its field. For a value that is a whole
// map, such as a strategy, it is that of the map's type.
func (o *object) badValue(e *field.Error) (text, name string) {
	name = e.Field
	if name == "<nil>" {
		name = ""
	}
	if text, ok := textOf(e.BadValue); ok {
		return text, name
	}
	if e.Type == field.ErrorTypeNotSupported {
		if v, ok := o.valueAt(name + ".type"); ok && v.Kind == manifest.String {
			return v.Text, name + ".type"
		}
	}
	return "", name
}

// ancestor is an object that a value is in.
type ancestor struct {
	at     *path
	object *objectType
}

// maxDepth is how many levels below an ancestor a field is looked for.
const maxDepth = 3

// elsewhere says where a field belongs that was written in the wrong object: in the nearest
// ancestor, or below it; "" where no ancestor has it.
func (w *walker) elsewhere(key string) string {
	for _, a := range slices.Backward(w.ancestors) {
		type inner struct {
			object *objectType
			path   string
			depth  int
		}
		seen := map[*objectType]bool{a.object: true}
		for queue := []inner{{a.object, a.at.String(), 0}}; len(queue) > 0; queue = queue[1:] {
			here := queue[0]
			if _, declared := here.object.fields[key]; declared && here.object.field(key, w.minor) != nil {
				if here.path == "" {
					return "the field is at the top"
				}
				return fmt.Sprintf("the field is in %s", here.path)
			}
			if here.depth == maxDepth {
				continue
			}
			for _, name := range here.object.names(w.minor) {
				t, path := here.object.field(name, w.minor), name
				if here.path != "" {
					path = here.path + "." + name
				}
				for t != nil && t.kind == aList {
					t, path = t.item, path+"[]"
				}
				if t != nil && t.kind == anObject && !seen[t.object] {
					seen[t.object] = true
					queue = append(queue, inner{t.object, path, here.depth + 1})
				}
			}
		}
	}
	return ""
}

// beginning returns the first name that is the beginning of a word, or that the word is the
// beginning of; "" where there is none. Case does not count.
func beginning(word string, names []string) string {
	const minLetters = 5 // that must agree
	for _, name := range names {
		if short := min(len(word), len(name)); short >= minLetters && strings.EqualFold(word[:short], name[:short]) {
			return name
		}
	}
	return ""
}

// consequence reports whether a problem only follows from another.
func consequence(p Problem, all []Problem) bool {
	return slices.ContainsFunc(all, func(q Problem) bool {
		switch {
		case q.Field == "metadata.generateName" && p.Field == "metadata.name":
			return true // the name is made of it
		case q.Code == problem.FieldRequired && p.Code != problem.FieldRequired && q.Field != "":
			noSelector := strings.HasSuffix(q.Field, "spec.selector") && strings.Contains(p.Message, "`selector` does not match")
			return p.Field == q.Field || noSelector
		case p.Place == q.Place:
			return narrower(q.Message, p.Message)
		}
		return false
	})
}

// narrower reports whether two messages say that a value is none of a list, and the first list is
// shorter.
func narrower(a, b string) bool {
	const list = ": supported values: "
	what, values, ok := strings.Cut(a, list)
	other, more, found := strings.Cut(b, list)
	return ok && found && what == other && len(values) < len(more)
}
