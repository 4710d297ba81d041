package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/repo"
)

// contrast is what differs, besides the tags, between the manifests of a promotion's
// services in its source and in its target.
type contrast struct {
	From, To string
	Lines    []string // one an object, as Markdown
	More     int      // objects that are left out
	Unknown  string   // why the differences are not known; "" where they are
}

// Limits of how many differences are listed.
const (
	maxDifferences = 10 // lines
	maxFields      = 3  // of one object
)

func (c *contrast) markdown(w *strings.Builder) {
	between := fmt.Sprintf("between %s and %s", data(c.From), data(c.To))
	switch {
	case c.Unknown != "":
		fmt.Fprintf(w, "\nWhat else differs %s is not known, because %s.\n", between, data(c.Unknown))
		return
	case len(c.Lines) == 0:
		fmt.Fprintf(w, "\nNothing else differs %s.\n", between)
		return
	}
	fmt.Fprintf(w, "\nWhat else differs %s, and is not changed here:\n\n", between)
	for _, line := range c.Lines {
		fmt.Fprintf(w, "- %s\n", line)
	}
	if c.More > 0 {
		fmt.Fprintf(w, "- … and %d more objects\n", c.More)
	}
}

// readContrast compares the manifests of a task's services in the environment that they come
// from with those in the first one that they go to.
func readContrast(ctx context.Context, o *Options, t *task, b *base) *contrast {
	c := &contrast{From: t.from, To: t.envs[0]}
	tips := map[string]*repo.Commit{b.Branch: b.Commit}
	tip, err := tipOf(ctx, o, b, t.from, tips)
	if err == nil && tip == nil {
		err = fmt.Errorf("the branch of %s cannot be read", t.from)
	}
	var source, target *side
	if err == nil {
		source, err = readSide(ctx, tip, in(t.selections[0], t.from))
	}
	if err == nil {
		target, err = readSide(ctx, b.Commit, &t.selections[0])
	}
	if err != nil {
		c.Unknown = whyNotKnown(err)
		return c
	}
	c.compare(source, target)
	return c
}

// side is one environment of a comparison.
type side struct {
	words   [3]string // its name, namespace and domain: what is expected to differ
	objects map[objectKey]*object
	order   []objectKey
}

// objectKey is what an object is found by. The namespace may be empty.
type objectKey struct{ kind, namespace, name string }

// object is a Kubernetes object as its values by their paths.
type object struct {
	objectKey
	values map[string]string
	order  []string
}

// readSide reads the objects of a selection's services: the files that hold their
// images, and those in their folders. Those of users are their own.
func readSide(ctx context.Context, tip *repo.Commit, s *bump.Selection) (*side, error) {
	tree := tip.FS(ctx)
	query, err := s.Query(tree)
	if err != nil {
		return nil, err
	}
	files, err := filesOf(ctx, tip, query, *s, false)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, f := range files {
		known[f.Path] = true
	}
	for _, t := range query.Targets {
		paths, err := manifestsBelow(ctx, tip, path.Join(query.Dir(), t.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, p := range paths {
			if known[p] || !query.Covers(p) {
				continue
			}
			data, err := tree.ReadFile(p)
			if err != nil {
				return nil, err
			}
			files = append(files, bump.File{Path: p, Data: data})
		}
	}
	e := &side{words: [3]string{s.Env, s.Env}, objects: map[objectKey]*object{}}
	if env, err := inventory.LoadEnvironment(tree, s.Env); err == nil {
		namespace, _ := env.Source.Get("namespace")
		domain, _ := env.Source.Get("domain")
		e.words = [3]string{s.Env, cmp.Or(namespace.Text, s.Env), domain.Text}
	}
	for _, f := range bump.SortFiles(files) {
		if !strings.HasPrefix(f.Path, path.Join(query.Dir(), "users")+"/") {
			e.add(query, f)
		}
	}
	return e, nil
}

// add adds the objects of a file. One that cannot be read as YAML has none.
func (e *side) add(query *bump.Query, f bump.File) {
	file, err := manifest.Parse(f.Path, f.Data)
	if err != nil {
		return
	}
	docs, err := file.Values()
	if err != nil {
		return
	}
	tags := map[string]bool{}
	for _, i := range file.Images(query.Fields...) {
		if query.Target(i.Ref) != nil {
			tags[i.Ref.Tag], tags[i.Ref.Digest], tags[i.Ref.TagOrDigest()] = true, true, true
		}
	}
	delete(tags, "")
	for _, doc := range docs {
		kind, _ := doc.Get("kind")
		meta, _ := doc.Get("metadata")
		name, _ := meta.Get("name")
		if kind.Text == "" {
			continue
		}
		namespace, _ := meta.Get("namespace")
		key := objectKey{kind.Text, namespace.Text, name.Text}
		one := &object{objectKey: key, values: map[string]string{}}
		one.flatten("", doc, query, tags)
		if e.objects[key] == nil {
			e.order = append(e.order, key)
		}
		e.objects[key] = one
	}
}

// flatten adds the scalars of a value, without the tags of the services.
func (o *object) flatten(at string, v manifest.Value, query *bump.Query, tags map[string]bool) {
	switch v.Kind {
	case manifest.Map:
		for _, f := range v.Fields {
			o.flatten(strings.TrimPrefix(at+"."+f.Key.Text, "."), f.Value, query, tags)
		}
	case manifest.List:
		for n, item := range v.Items {
			name, ok := item.Get("name")
			if !ok || name.Text == "" {
				name.Text = fmt.Sprint(n)
			}
			o.flatten(at+"["+name.Text+"]", item, query, tags)
		}
	default:
		text := v.Text
		if ref, err := image.Parse(text); tags[text] {
			text = ""
		} else if err == nil && query.Target(ref) != nil {
			text = ref.Name
		}
		if _, there := o.values[at]; !there {
			o.order = append(o.order, at)
		}
		o.values[at] = text
	}
}

// compare sets the lines: an object that both sides have, with what differs in it, or
// one that only one of them has. A namespace is shown where an object is not the only one of its
// kind and name.
func (c *contrast) compare(source, target *side) {
	t := translation{source.words, target.words}
	here, there := namesakes(source.order, t.of), namesakes(target.order, func(name string) string { return name })
	label := func(k objectKey, name string) string {
		if same := (objectKey{kind: k.kind, name: name}); k.namespace != "" && (here[same] > 1 || there[same] > 1) {
			return k.kind + " " + k.namespace + "/" + k.name
		}
		return k.kind + " " + k.name
	}
	seen := map[objectKey]bool{}
	counterpart := func(k objectKey) *object {
		same := objectKey{kind: k.kind, name: t.of(k.name)}
		for _, namespace := range []string{t.of(k.namespace), t.by(k.namespace, 1, 0, 2), k.namespace} {
			key := objectKey{k.kind, namespace, same.name}
			if target.objects[key] != nil && !seen[key] {
				return target.objects[key]
			}
		}
		if here[same] != 1 || there[same] != 1 {
			return nil
		}
		at := slices.IndexFunc(target.order, func(key objectKey) bool { return key.kind == same.kind && key.name == same.name })
		return target.objects[target.order[at]] // in another namespace
	}
	var lines []string
	for _, key := range source.order {
		other := counterpart(key)
		if other == nil {
			lines = append(lines, fmt.Sprintf("%s is only in %s", data(label(key, t.of(key.name))), data(c.From)))
			continue
		}
		seen[other.objectKey] = true
		if line := source.objects[key].differs(other, t); line != "" {
			lines = append(lines, data(label(other.objectKey, other.name))+": "+line)
		}
	}
	for _, key := range target.order {
		if !seen[key] {
			lines = append(lines, fmt.Sprintf("%s is only in %s", data(label(key, key.name)), data(c.To)))
		}
	}
	c.Lines = lines[:min(len(lines), maxDifferences)]
	c.More = len(lines) - len(c.Lines)
}

// namesakes counts objects by kind and name, in whatever namespaces. A name counts as the other
// side has it.
func namesakes(keys []objectKey, translated func(name string) string) map[objectKey]int {
	counts := map[objectKey]int{}
	for _, k := range keys {
		counts[objectKey{kind: k.kind, name: translated(k.name)}]++
	}
	return counts
}

// differs returns what differs between an object and its counterpart, "" where nothing does.
func (o *object) differs(counterpart *object, t translation) string {
	var fields []string
	add := func(at, was, is string) {
		if o.kind == "Secret" {
			fields = append(fields, data(at))
			return
		}
		fields = append(fields, data(fmt.Sprintf("%s: %s → %s", at, was, is)))
	}
	theirs := map[string]bool{}
	for _, at := range o.order {
		there := t.of(at)
		value, both := counterpart.values[there]
		theirs[there] = true
		switch {
		case !both:
			add(at, shownValue(o.values[at]), "not set")
		case !t.same(o.values[at], value):
			add(there, shownValue(o.values[at]), shownValue(value))
		}
	}
	for _, at := range counterpart.order {
		if !theirs[at] {
			add(at, "not set", shownValue(counterpart.values[at]))
		}
	}
	if more := len(fields) - maxFields; more > 0 {
		fields = append(slices.Clone(fields[:maxFields]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(fields, ", ")
}

// translation is from the words of one environment into those of another.
type translation struct{ from, to [3]string }

// of returns a text of the one environment as the other is expected to have it.
func (t translation) of(text string) string { return t.by(text, 0, 1, 2) }

// same reports whether two values differ in nothing but the environments' words. A
// namespace may be named like its environment, and be another in the other one.
func (t translation) same(a, b string) bool { return a == b || t.of(a) == b || t.by(a, 1, 0, 2) == b }

func (t translation) by(text string, order ...int) string {
	for _, i := range order {
		if t.from[i] != "" && t.to[i] != "" {
			text = replaceWord(text, t.from[i], t.to[i])
		}
	}
	return text
}

// shownValue returns a value as it is shown, of a few words.
func shownValue(text string) string {
	const maxShown = 40
	if text == "" {
		return `""`
	}
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return text
}

// replaceWord replaces a word wherever it stands whole: between characters that are no
// letters or digits of ASCII.
func replaceWord(text, word, with string) string {
	var b strings.Builder
	done := 0 // what of the text is in b
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			break
		}
		at += from
		end := at + len(word)
		if at > 0 && isAlphanumeric(text[at-1]) || end < len(text) && isAlphanumeric(text[end]) {
			from = at + 1
			continue
		}
		b.WriteString(text[done:at] + with)
		done, from = end, end
	}
	return b.String() + text[done:]
}

func isAlphanumeric(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' }
