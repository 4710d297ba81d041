package deploy

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"k8srepo/internal/lazyregexp"
)

const (
	maxImages = 100
	maxLeft   = 20     // places that stay as they are
	maxBody   = 65_000 // characters; GitHub takes 65,536
	maxOwn    = 2_000  // characters that stay for tagbump's where people wrote a lot
	maxWords  = 200    // characters of one text of others
)

// markdown returns the body, with what a person wrote below an older one.
func (b *body) markdown(older string) string {
	var w, end strings.Builder
	fmt.Fprintf(&w, tagLine+"\n\n", strings.Join(b.Envs, "+"), strings.Join(b.Tags, ","))
	b.intro(&w)
	b.images(&w)
	for _, m := range b.Moves {
		m.markdown(&w)
	}
	if b.MoreMoves > 0 {
		fmt.Fprintf(&w, "\nThe commits of %d more images are not listed.\n", b.MoreMoves)
	}
	b.mentions(&w)
	b.elsewhere(&w)
	if b.Contrast != nil {
		b.Contrast.markdown(&w)
	}
	for _, n := range b.Notices {
		fmt.Fprintf(&w, "\n> %s\n", data(n))
	}
	b.requested(&end)
	b.undo(&end)
	theirs := yours(older)
	if runes, most := []rune(theirs), maxBody-len([]rune(end.String()))-maxOwn; len(runes) > most {
		theirs = string(runes[:most]) + "\n… There is more than fits here.\n"
	}
	text, room := w.String(), maxBody-len([]rune(end.String()))-len([]rune(theirs))
	if len([]rune(text)) > room {
		text = string([]rune(text)[:max(0, room)])
		text = text[:strings.LastIndexByte(text, '\n')+1] + "\n… There is more than fits here.\n"
	}
	return text + end.String() + "\n" + yoursLine + "\n" + theirs
}

// intro says in a sentence what a merge does.
func (b *body) intro(w *strings.Builder) {
	services, env := dataList(b.Services), dataList(b.Envs)
	switch {
	case b.kind == rollingBack:
		fmt.Fprintf(w, "Merging this rolls back %s in %s, and holds it there: it is not deployed or promoted until it is released.\n", services, env)
	case b.kind == holding:
		fmt.Fprintf(w, "Merging this holds %s at %s in %s: it is not deployed or promoted until it is released.\n", services, dataList(b.Tags), env)
	case b.kind == releasing && len(b.Images) > 0:
		fmt.Fprintf(w, "Merging this releases the hold of %s in %s, and moves it.\n", services, env)
	case b.kind == releasing:
		fmt.Fprintf(w, "Merging this releases the hold of %s in %s: it can be deployed and promoted again.\n", services, env)
	case b.From != "":
		fmt.Fprintf(w, "Merging this deploys to %s what %s runs.\n", env, data(b.From))
	default:
		fmt.Fprintf(w, "Merging this deploys %s to %s.\n", services, env)
	}
	if b.kind == deploying {
		w.WriteString("Until then a newer deployment updates it in place: check the tags before you approve and merge.\n")
	}
	if b.Reason != "" {
		fmt.Fprintf(w, "\nReason: %s\n", data(b.Reason))
	}
}

func (b *body) images(w *strings.Builder) {
	if len(b.Images) == 0 {
		return
	}
	w.WriteString("\n| image | current | proposed | file |\n|---|---|---|---|\n")
	for n, i := range b.Images {
		if n == maxImages {
			fmt.Fprintf(w, "| … and %d more | | | |\n", len(b.Images)-n)
			break
		}
		name := cell(i.Old.Name)
		if i.New.Name != i.Old.Name {
			name += " → " + cell(i.New.Name)
		}
		fmt.Fprintf(w, "| %s | %s | **%s** | %s |\n", name, cell(i.Old.TagOrDigest()), cell(i.New.TagOrDigest()), cell(fmt.Sprintf("%s:%d", i.Place.File, i.Place.Line)))
	}
}

// markdown says in which direction the service moves, and lists the commits.
func (m *move) markdown(w *strings.Builder) {
	fmt.Fprintf(w, "\n**%s** %s → %s: ", data(m.Target.Name()), data(shortened(m.Old.TagOrDigest())), data(shortened(m.New.TagOrDigest())))
	switch b := m.Between; {
	case b == nil:
		fmt.Fprintf(w, "the commits between are not known, because %s.\n", data(m.Unknown))
	case b.Added.Total > 0 && b.Removed.Total > 0:
		fmt.Fprintf(w, "the two have diverged. This adds %s and takes away %s.\n", b.Added.count(), b.Removed.count())
		m.list(w, "\nAdded:\n", b.Added)
		m.list(w, "\nTaken away:\n", b.Removed)
	case b.Removed.Total > 0:
		fmt.Fprintf(w, "back. This takes away %s.\n", b.Removed.count())
		m.list(w, "", b.Removed)
	case b.Added.Total > 0:
		fmt.Fprintf(w, "forward, %s.\n", b.Added.count())
		m.list(w, "", b.Added)
	default:
		w.WriteString("the same commit.\n")
	}
}

// count returns how many commits there are, as a link to all of them.
func (c *Commits) count() string {
	count := fmt.Sprintf("%d commits", c.Total)
	if c.Total == 1 {
		count = "1 commit"
	}
	return link(count, c.URL)
}

func (m *move) list(w *strings.Builder, title string, c Commits) {
	w.WriteString(title + "\n")
	for _, one := range c.Newest {
		fmt.Fprintf(w, "- %s %s", data(one.Hash[:min(7, len(one.Hash))]), data(one.Title))
		if page := m.page(c, one.Pull); page != "" {
			fmt.Fprintf(w, " (%s)", link(fmt.Sprintf("#%d", one.Pull), page))
		}
		if one.Author != "" {
			fmt.Fprintf(w, ", %s", data(one.Author))
		}
		w.WriteString("\n")
	}
	if more := c.Total - len(c.Newest); more > 0 {
		fmt.Fprintf(w, "- … and %s\n", link(fmt.Sprintf("%d more", more), c.URL))
	}
}

// page returns the address of a pull request of the service, "" where there is none.
func (m *move) page(c Commits, number int) string {
	repository, _, ok := strings.Cut(c.URL, "/compare/")
	if number == 0 || !ok {
		return ""
	}
	return fmt.Sprintf("%s/pull/%d", repository, number)
}

// mentions lists the places that name an image and stay as they are.
func (b *body) mentions(w *strings.Builder) {
	if len(b.Mentions) == 0 {
		return
	}
	w.WriteString("\nThese places name the image with another tag, and this does not change them:\n\n")
	for n, m := range b.Mentions {
		if n == maxLeft {
			fmt.Fprintf(w, "- … and %d more\n", len(b.Mentions)-n)
			break
		}
		fmt.Fprintf(w, "- %s: %s: %s\n", data(m.Place.String()), data(m.Text), m.Why)
	}
}

func (b *body) elsewhere(w *strings.Builder) {
	if len(b.Elsewhere) == 0 {
		return
	}
	w.WriteString("\nWhat other environments run, with the proposed tags in bold:\n\n| environment | service | current | since |\n|---|---|---|---|\n")
	tested := false
	for _, r := range b.Elsewhere {
		var tags []string
		for _, tag := range r.Tags {
			if slices.Contains(b.Tags, tag) {
				tested = true
				tags = append(tags, "**"+cell(tag)+"**")
			} else {
				tags = append(tags, cell(tag))
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", cell(r.Env), cell(r.Service), strings.Join(tags, ", "), r.Since)
	}
	if !tested && b.kind == deploying {
		fmt.Fprintf(w, "\nNo other environment runs %s.\n", data(b.short()))
	}
}

// requested says who asked for it.
func (b *body) requested(w *strings.Builder) {
	switch run := link("run", b.RunURL); {
	case b.RequestedBy != "" && b.RunURL != "":
		fmt.Fprintf(w, "\nRequested by %s (%s).\n", data(b.RequestedBy), run)
	case b.RequestedBy != "":
		fmt.Fprintf(w, "\nRequested by %s.\n", data(b.RequestedBy))
	case b.RunURL != "":
		fmt.Fprintf(w, "\nRequested by a %s.\n", run)
	}
}

// undo says how to go back after the merge.
func (b *body) undo(w *strings.Builder) {
	var commands strings.Builder
	for _, env := range b.Envs {
		for _, service := range b.Services {
			if command := b.undoOf(env, service); command != "" {
				fmt.Fprintf(&commands, "tagbump %s\n", command)
			}
		}
	}
	if commands.Len() > 0 {
		fmt.Fprintf(w, "\n**To go back** after the merge:\n\n```sh\n%s```\n", commands.String())
	}
}

// undoOf returns the command that undoes what is done to a service in an environment, ""
// where nothing is.
func (b *body) undoOf(env, service string) string {
	where := fmt.Sprintf("--repo %s --env %s", b.Repo, env)
	named := where + " --service " + service
	was := b.previous(env, service)
	switch {
	case b.kind == holding:
		return "release " + named
	case b.kind == releasing && was == nil:
		return "hold " + named
	case b.kind == rollingBack && was != nil && was.Old.Tag != "":
		return "release " + named + " --tag " + was.Old.Tag
	case b.kind == rollingBack:
		return "release " + named
	case was == nil, was.Target.Service == "" && was.Old.Suffix() == "":
		return ""
	case was.Target.Service == "" && was.Old.Tag == "":
		return fmt.Sprintf("deploy %s --image %s --digest %s --force", where, was.Target.Repository.Name, was.Old.Digest)
	case was.Target.Service == "":
		return fmt.Sprintf("deploy %s --image %s --tag %s --force", where, was.Target.Repository.Name, was.Old.Tag)
	}
	return "rollback " + named
}

// What others wrote is printed as data: in code spans, where GitHub makes no link,
// mention, image or tag of it. It is made harmless beside that, as the description of a
// pull request may become the message of its merge, in which code spans mean nothing:
// a closing keyword would close an issue there.

// data returns a text of others as a code span.
func data(text string) string { return strings.ReplaceAll(cell(text), `\|`, "|") }

// cell returns a text of others as a code span in a table.
func cell(text string) string {
	text = visible(strings.Join(strings.Fields(text), " "))
	if runes := []rune(text); len(runes) > maxWords {
		text = string(runes[:maxWords]) + "…"
	}
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(harmless(text), "|", `\|`) + "`"
}

// visible returns a text with what cannot be seen as what it is by its number: control
// characters, and those that set the direction of writing. Two that languages need
// between letters stay.
func visible(text string) string {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	var b strings.Builder
	for _, r := range text {
		if r == zeroWidthNonJoiner || r == zeroWidthJoiner || !unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return b.String()
}

func dataList(texts []string) string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = data(text)
	}
	return strings.Join(list, ", ")
}

var (
	// closing is a keyword and an issue, as GitHub reads them: "Linking a pull request to an
	// issue" in its documentation.
	closing  = lazyregexp.New(`(?i)\b((?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b\s*:?\s*(?:[\w.-]+/[\w.-]+)?#|(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b\s*:?\s*(?:gh-|https?://\S+/(?:issues|pull)/))(\d)`)
	mention  = lazyregexp.New(`(^|[^\w])@(\w)`)
	harmful  = strings.NewReplacer("`", "'", "<!--", "<! --")
	unlinked = lazyregexp.New(`[\s()<>\[\]"'` + "`" + `\\]`)
)

// harmless returns a text that closes no issue and mentions nobody, wherever it stands.
// People read it as it was: a blank is added.
func harmless(text string) string {
	text = harmful.Replace(text)
	text = closing.ReplaceAllString(text, "$1 $2")
	return mention.ReplaceAllString(text, "$1@ $2")
}

// link returns a link, and the text alone where an address is not one.
func link(text, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || unlinked.MatchString(address) {
		return text
	}
	return fmt.Sprintf("[%s](%s)", text, address)
}
