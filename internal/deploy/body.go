package deploy

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
)

// body is what a pull request tells the person who approves it.
type body struct {
	kind      kind
	Env       string
	Services  []string
	Tag       string
	Images    []bump.ImageChange // that change
	Histories []commits          // of each service, as far as they are known
	Elsewhere []running          // what the other environments run
	Asked     string             // who or what asked for it, in Markdown; may be empty
	Repo      string             // the k8s repo's URL
	Notices   []string
}

// commits are what lies between a running tag and a new one.
type commits struct {
	Service string
	Source  string // owner/name
	URL     string // of the comparison
	Total   int
	List    []commit // the newest first; at most maxCommits
	Back    bool     // they are taken away
}

type commit struct {
	Hash, Title, Author string
	Pull                int // the number of its pull request; 0 where unknown
}

// running is what an environment runs of a service.
type running struct{ Env, Service, Tags, Since string }

const (
	maxCommits = 50
	maxImages  = 100
	maxBody    = 65_000 // characters; GitHub takes 65,536
)

// The lines that tagbump finds its way by in a body. What people write below the
// last one stays when the rest is made anew.
const (
	tagLine   = "<!-- tagbump: %s %s -->"
	yoursLine = "<!-- Yours: what is written below this line stays. -->"
)

var tagInBody = regexp.MustCompile(`<!-- tagbump: (\S+) (\S+) -->`)

// proposedTag is the tag that a body proposes, "" where tagbump did not write it.
func proposedTag(body string) string {
	if m := tagInBody.FindStringSubmatch(body); m != nil {
		return m[2]
	}
	return ""
}

// yours is what a person wrote below the line of a body.
func yours(body string) string {
	_, text, _ := strings.Cut(strings.ReplaceAll(body, "\r\n", "\n"), yoursLine+"\n")
	return text
}

// bodyOf gathers what the reviewer is told.
func bodyOf(ctx context.Context, o *Options, t *task, b *base, plan *Outcome) (*body, error) {
	text := &body{kind: t.kind, Env: t.env(), Services: sorted(t.names), Tag: plan.NewTag, Asked: o.Pulls.Asked, Repo: o.URL, Notices: plan.Notices}
	targets, err := t.scope(ctx, b)
	if err != nil {
		return nil, err
	}
	listed := map[string]bool{}
	for _, i := range plan.Images {
		if !i.Changed() {
			continue
		}
		text.Images = append(text.Images, i)
		target := targets.of(i.Place.File).Target(i.Old)
		if key := target.Name() + " " + i.Old.Tag; !listed[key] {
			listed[key] = true
			if c := commitsBetween(ctx, o, t, plan, *target, i.Old.Tag, i.New.Tag); c != nil {
				text.Histories = append(text.Histories, *c)
			}
		}
	}
	text.Elsewhere, err = elsewhere(ctx, o, b, t.envs, targets[0])
	return text, err
}

// commitsBetween returns the commits that a deployment brings, or that a rollback takes
// away; nil where they cannot be told, which keeps nothing from being proposed.
func commitsBetween(ctx context.Context, o *Options, t *task, plan *Outcome, target bump.Target, running, next string) *commits {
	from, to := hashOf(running), hashOf(next)
	at, err := github.ParseRepo(target.Source)
	if err != nil || o.Pulls.Sources == nil || from == "" || to == "" {
		return nil
	}
	if t.kind == rollingBack {
		from, to = to, from
	}
	found, err := o.Pulls.Sources.compare(ctx, at, from, to)
	if err != nil {
		plan.notice("the commits of %s are not listed: %v", target.Source, err)
		return nil
	}
	c := &commits{Service: target.Name(), Source: target.Source, URL: found.URL, Total: found.Total, Back: t.kind == rollingBack}
	for _, one := range found.Commits {
		c.List = append(c.List, commit{Hash: one.SHA, Title: one.Title, Author: one.Author.String(), Pull: one.PullRequest})
	}
	slices.Reverse(c.List)
	return c
}

// maxTitle is how many characters a title may have; GitHub takes 256.
const maxTitle = 250

// title returns the pull request's, as in "Deploy api 9f2c1ab to prod". Where there are
// too many services for it, it counts them.
func (b *body) title() string {
	if title := b.titleOf(strings.Join(b.Services, ", ")); len([]rune(title)) <= maxTitle {
		return title
	}
	return b.titleOf(fmt.Sprintf("%d services", len(b.Services)))
}

func (b *body) titleOf(services string) string {
	switch b.kind {
	case rollingBack:
		return fmt.Sprintf("Roll back %s to %s in %s", services, shortened(b.Tag), b.Env)
	case holding:
		return fmt.Sprintf("Hold %s at %s in %s", services, shortened(b.Tag), b.Env)
	case releasing:
		return fmt.Sprintf("Release %s in %s", services, b.Env)
	}
	return fmt.Sprintf("Deploy %s %s to %s", services, shortenedAll(b.Tag), b.Env)
}

// markdown is the body, with what a person wrote below an older one.
func (b *body) markdown(older string) string {
	var w strings.Builder
	fmt.Fprintf(&w, tagLine+"\n\n", b.Env, b.Tag)
	b.images(&w)
	for _, h := range b.Histories {
		h.markdown(&w)
	}
	b.elsewhere(&w)
	for _, n := range b.Notices {
		fmt.Fprintf(&w, "\n> %s\n", plain(n, ""))
	}
	if b.Asked != "" {
		fmt.Fprintf(&w, "\nAsked for by %s.\n", b.Asked)
	}
	w.WriteString("\n**To go back** after the merge:\n\n```sh\n")
	for _, s := range b.Services {
		fmt.Fprintf(&w, "tagbump rollback --repo %s --env %s --service %s\n", b.Repo, b.Env, s)
	}
	w.WriteString("```\n")
	text, theirs := []rune(w.String()), yours(older)
	if room := max(0, maxBody-len([]rune(theirs))); len(text) > room {
		text = append(text[:room], []rune("\n…\n")...)
	}
	return string(text) + "\n" + yoursLine + "\n" + theirs
}

func (b *body) images(w *strings.Builder) {
	w.WriteString("| image | runs | is to run | in |\n|---|---|---|---|\n")
	for n, i := range b.Images {
		if n == maxImages {
			fmt.Fprintf(w, "| … and %d more | | | |\n", len(b.Images)-n)
			break
		}
		name := "`" + i.Old.Name + "`"
		if i.New.Name != i.Old.Name {
			name += " → `" + i.New.Name + "`"
		}
		fmt.Fprintf(w, "| %s | `%s` | **`%s`** | %s:%d |\n", name, i.Old.TagOrDigest(), i.New.TagOrDigest(), cell(i.Place.File), i.Place.Line)
	}
}

func (c *commits) markdown(w *strings.Builder) {
	count := fmt.Sprintf("%d commits", c.Total)
	if c.Total == 1 {
		count = "1 commit"
	}
	what := ""
	if c.Back {
		what = "goes back, without "
	}
	fmt.Fprintf(w, "\n**%s**: %s[%s](%s)\n\n", plain(c.Service, ""), what, count, c.URL)
	for _, one := range c.List {
		short := one.Hash[:min(7, len(one.Hash))]
		fmt.Fprintf(w, "- `%s` %s", short, plain(one.Title, c.Source))
		if one.Pull > 0 && !strings.Contains(one.Title, fmt.Sprintf("#%d", one.Pull)) {
			fmt.Fprintf(w, " (%s#%d)", c.Source, one.Pull)
		}
		if one.Author != "" {
			fmt.Fprintf(w, ", %s", plain(one.Author, ""))
		}
		w.WriteString("\n")
	}
	if more := c.Total - len(c.List); more > 0 {
		fmt.Fprintf(w, "- … and [%d more](%s)\n", more, c.URL)
	}
}

func (b *body) elsewhere(w *strings.Builder) {
	if len(b.Elsewhere) == 0 {
		return
	}
	w.WriteString("\n| environment | service | runs | since |\n|---|---|---|---|\n")
	for _, r := range b.Elsewhere {
		tags := "`" + r.Tags + "`"
		if r.Tags == b.Tag {
			tags = "**" + tags + "**"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", cell(r.Env), cell(r.Service), tags, cell(r.Since))
	}
}

var (
	mention = regexp.MustCompile(`@(\w)`)
	number  = regexp.MustCompile(`(^|[^\w/&#-])(?:#|GH-)(\d+)`)
)

// plain is other people's words as Markdown that says just that: it formats
// nothing, calls nobody, and a number of a pull request is one of their own
// repository.
func plain(s, source string) string {
	if source != "" {
		s = number.ReplaceAllString(s, "${1}"+source+"#$2")
	}
	s = strings.NewReplacer("&", "&amp;", "~", "\\~", "\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", "|", "\\|", "\n", " ", "\r", "").Replace(s)
	return mention.ReplaceAllString(s, "@\u200b${1}")
}

// cell is a text in a cell of a table.
func cell(s string) string { return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s) }
