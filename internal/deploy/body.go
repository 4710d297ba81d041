package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/github"
	"k8srepo/internal/image"
	"k8srepo/internal/lazyregexp"
)

// body is the text of a pull request, for the person who approves it.
type body struct {
	kind        kind
	From        string   // the environment that a promotion takes its tags from; "" where it is none
	Envs        []string // that change
	Services    []string
	Images      []bump.ImageChange // that change
	Tags        []string           // that are proposed, each once
	Moves       []move
	MoreMoves   int        // that are left out
	Previous    []previous // what runs before the merge
	Elsewhere   []*running // what the other environments run
	Contrast    *contrast
	Reason      string         // as it was given; may be empty
	RequestedBy string         // may be empty
	RunURL      string         // may be empty
	Repo        string         // the k8s repo's URL
	Mentions    []bump.Mention // places that name an image with another tag, and stay
	Notices     []string
}

// move is one service that goes from one tag to another.
type move struct {
	Target  bump.Target
	Old     image.Ref
	New     image.Ref
	Between *Between
	Unknown string // why Between is not known
}

// previous is what an environment runs of a service that changes in it, by the first of its
// images.
type previous struct {
	Env    string
	Target bump.Target
	Old    image.Ref
}

// maxMoves is how many comparisons of commits a body has: sandboxes of people may run a
// tag each.
const maxMoves = 20

// The lines that tagbump finds its way by in a body. What people write below the
// last one stays when the rest is made anew. They are labels, and no proof.
const (
	tagLine   = "<!-- tagbump: %s %s -->"
	yoursLine = "<!-- Yours: what is written below this line stays. -->"
)

var tagInBody = lazyregexp.New(`<!-- tagbump: (\S+) (\S+) -->`)

// ProposedTag returns the tag or digest that a pull request's body says it proposes, several
// with ", " between them; "" where it does not say.
func ProposedTag(body string) string {
	if m := tagInBody.FindStringSubmatch(body); m != nil {
		return strings.ReplaceAll(m[2], ",", ", ")
	}
	return ""
}

// yours returns what a person wrote below the line of a body, and before it on top of all. A body
// with none of tagbump's lines is a person's as a whole.
func yours(body string) string {
	body = strings.ReplaceAll(body, "\r\n", "\n")
	ours, below, lined := strings.Cut(body, yoursLine)
	top := ""
	if marker := tagInBody.FindString(ours); marker != "" {
		above, _, _ := strings.Cut(ours, marker)
		top = strings.TrimSpace(above)
	} else if !lined {
		top = strings.TrimSpace(body)
	}
	below = strings.TrimPrefix(below, "\n")
	switch {
	case top == "":
		return below
	case below == "":
		return top + "\n"
	}
	return top + "\n\n" + below
}

// bodyOf gathers what the reviewer reads.
func bodyOf(ctx context.Context, o *Options, t *task, b *base, plan *Outcome) (*body, error) {
	text := &body{
		kind: t.kind, From: t.from, Envs: t.envs, Services: sorted(t.names), Reason: t.reason,
		RequestedBy: o.RequestedBy, RunURL: o.RunURL, Repo: o.URL,
	}
	targets, err := t.scope(ctx, b)
	if err != nil {
		return nil, err
	}
	text.Tags = newTags(plan.Images)
	for _, i := range plan.Images {
		if i.Changed() {
			text.Images = append(text.Images, i)
			query := targets.of(i.Place.File)
			target := *query.Target(i.Old)
			text.addMove(ctx, o, target, i)
			if text.previous(query.Env, target.Name()) == nil {
				text.Previous = append(text.Previous, previous{query.Env, target, i.Old})
			}
		}
	}
	if text.Elsewhere, err = elsewhere(ctx, o, t, b); err != nil {
		return nil, err
	}
	if t.from != "" {
		text.Contrast = readContrast(ctx, o, t, b)
	}
	text.Mentions, text.Notices = plan.Mentions, plan.Notices
	return text, err
}

// newTags returns the tags or digests that images get, each once.
func newTags(images []bump.ImageChange) []string {
	var tags []string
	for _, i := range images {
		if tag := i.New.TagOrDigest(); !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// previous returns what an environment runs of a service; nil where that does not change.
func (b *body) previous(env, service string) *previous {
	for i := range b.Previous {
		if p := &b.Previous[i]; p.Env == env && p.Target.Name() == service {
			return p
		}
	}
	return nil
}

// addMove adds what lies between the two tags of an image, once for all images that
// move so.
func (b *body) addMove(ctx context.Context, o *Options, target bump.Target, i bump.ImageChange) {
	if slices.ContainsFunc(b.Moves, func(m move) bool {
		return m.Target.Name() == target.Name() && m.Old.Suffix() == i.Old.Suffix() && m.New.Suffix() == i.New.Suffix()
	}) {
		return
	}
	if len(b.Moves) == maxMoves {
		b.MoreMoves++
		return
	}
	m := move{Target: target, Old: i.Old, New: i.New}
	var history History
	if o.History != nil {
		history = o.History(target)
	}
	var err error
	switch {
	case i.Old.Tag == "" || i.New.Tag == "":
		m.Unknown = "a digest does not name a commit"
	default:
		if m.Between, err = between(ctx, history, target.Name(), i.Old.Tag, i.New.Tag); err != nil {
			m.Unknown = whyNotKnown(err)
		}
	}
	m.link(o)
	b.Moves = append(b.Moves, m)
}

// link adds the addresses of the comparisons where the history did not give them.
func (m *move) link(o *Options) {
	at, err := github.ParseRepo(m.Target.Source)
	if err != nil || m.Between == nil || o.Pulls.Sources == nil {
		return
	}
	page := func(c *Commits, from, to string) {
		if c.Total > 0 && c.URL == "" {
			c.URL = o.Pulls.Sources.Client.PageURL(at, "compare", from+"..."+to)
		}
	}
	page(&m.Between.Added, m.Between.From, m.Between.To)
	page(&m.Between.Removed, m.Between.To, m.Between.From)
}

// maxTitle is how many characters a title may have; GitHub takes 256.
const maxTitle = 250

// title returns the pull request's, as in "Deploy api 9f2c1ab to prod". Where there are
// too many services for it, it counts them.
func (b *body) title() string {
	title := b.titleOf(strings.Join(b.Services, ", "), b.versions())
	if len([]rune(title)) > maxTitle {
		title = b.titleOf(fmt.Sprintf("%d services", len(b.Services)), "")
	}
	return harmless(strings.Join(strings.Fields(title), " "))
}

func (b *body) titleOf(services, versions string) string {
	env := strings.Join(b.Envs, " and ")
	switch b.kind {
	case rollingBack:
		return fmt.Sprintf("Roll back %s to %s in %s", services, b.short(), env)
	case holding:
		return fmt.Sprintf("Hold %s at %s in %s", services, b.short(), env)
	case releasing:
		return fmt.Sprintf("Release %s in %s", services, env)
	}
	if versions == "" {
		return fmt.Sprintf("Deploy %s to %s", services, env)
	}
	return fmt.Sprintf("Deploy %s to %s", versions, env)
}

// short returns the proposed tags, cut as in a title.
func (b *body) short() string { return shortenedAll(strings.Join(b.Tags, ", ")) }

// versions returns the services with their tags: "api, front 9f2c1ab" where all have the
// same, "api 9f2c1ab, front 7be21d4" where not.
func (b *body) versions() string {
	if len(b.Tags) < 2 {
		return strings.Join(b.Services, ", ") + " " + b.short()
	}
	var list []string
	for _, service := range b.Services {
		var tags []string
		for _, m := range b.Moves {
			if tag := shortened(m.New.TagOrDigest()); m.Target.Name() == service && !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
		list = append(list, strings.TrimSpace(service+" "+strings.Join(tags, " and ")))
	}
	return strings.Join(list, ", ")
}
