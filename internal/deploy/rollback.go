package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/image"
	"k8srepo/internal/problem"
)

// Rollback takes one service in one environment back to what it ran before. What
// that was, the history of its files tells.
//
// It is a Deployment, through the same policy, and differs in two things: going
// back from the tag that was found running is what it is for, so the order of
// commits is not asked about it; and it is remembered, so that no later
// deployment brings what was rolled back again (see held).
type Rollback struct {
	Deployment        // of one service, without a tag
	To         string // a tag that ran there; "" is the last other one that did
	Anyway     bool   // To may be one that never ran there, or was rolled back itself
}

// Run finds the tag to go back to, and deploys it.
func (r *Rollback) Run(ctx context.Context) (*Outcome, error) {
	failed := &Outcome{Result: &bump.Result{}, Status: Failed, NewTag: r.To}
	now, from, to, err := r.find(ctx)
	if err != nil {
		return failed, err
	}
	d := r.Deployment
	d.Tag, d.Digest = to.Tag, to.Digest
	chain := []Rolled{{Env: d.Env, Service: d.Services[0], From: from.TagOrDigest(), To: to.TagOrDigest()}}
	before, err := rolled(ctx, now.tip, d.Env, d.Services[0])
	if err != nil {
		return failed, err
	}
	for _, earlier := range active(before, from.TagOrDigest()) {
		if earlier.From != to.TagOrDigest() {
			chain = append(chain, earlier)
		}
	}
	if d.Message == "" {
		d.Message = defaultMessage // which ends its last line
	} else {
		d.Message += "\n"
	}
	d.Message += "\n" + trailers(chain)
	history := d.History
	d.History = func(t bump.Target) History {
		back := backward{from: hashOf(from.Tag)}
		if history != nil {
			back.History = history(t)
		}
		return back
	}
	outcome, err := d.Run(ctx)
	if err == nil && outcome.Commit != "" {
		if err := r.mark(ctx, outcome.Commit); err != nil {
			outcome.Notices = append(outcome.Notices, fmt.Sprintf("nothing will keep %s from being deployed again: %v", from.TagOrDigest(), problem.All(err)[0].Message))
		}
	}
	return outcome, err
}

func (r *Rollback) mark(ctx context.Context, commit string) error {
	hash, ok := gitrepo.ParseHash(commit)
	if !ok {
		return fmt.Errorf("%q is no commit", commit)
	}
	return r.Remote.Mark(ctx, markName(r.Env, r.Services[0]), hash)
}

// backward is a History in which everything descends from one commit.
type backward struct {
	History        // nil where there is none
	from    string // a hash; "" is none
}

func (b backward) Relation(ctx context.Context, running, next string) (Relation, error) {
	switch {
	case running == b.from:
		return Ahead, nil
	case b.History == nil:
		return NotKnown, nil
	}
	return b.History.Relation(ctx, running, next)
}

// find is what the environment runs, and what it is to go back to.
func (r *Rollback) find(ctx context.Context) (now *standing, from, to image.Ref, err error) {
	fail := func(err error) (*standing, image.Ref, image.Ref, error) { return nil, image.Ref{}, image.Ref{}, err }
	if len(r.Services) != 1 || len(r.Images) > 0 {
		return fail(problem.New("say --service api, once", "a rollback is of one service"))
	}
	if r.To != "" && !image.ValidTag(r.To) {
		return fail(problem.New("letters, digits, _, . and -, at most 128, and no . or - first", "%q cannot be a tag", r.To))
	}
	service := r.Services[0]
	if now, err = r.stand(ctx, r.Env, r.Services); err != nil {
		return fail(err)
	}
	images := now.of(service)
	if len(images) == 0 {
		return fail(problem.Refuse("look for another --env or --service", "%s does not run in %s", service, r.Env))
	}
	running := versions(images)
	if len(running) > 1 && r.To == "" {
		return fail(problem.Refuse("say --to which tag to go back", "%s runs %s in %s: which one is to go back is not clear", service, tagList(running), r.Env))
	}
	from = running[0]
	past := &past{standing: now, service: service, back: map[string]Rolled{}}
	to, err = past.find(ctx, from, r.To)
	switch {
	case err != nil:
		return fail(err)
	case r.To != "" && (r.Anyway || past.ran(r.To)):
		if rolled, again := past.back[r.To]; again && !r.Anyway {
			return fail(problem.Refuse("to bring it back all the same, say --force", "%s was itself rolled back in %s, %s", r.To, r.Env, rolled.when()))
		}
		if to.Name == "" {
			to = from.With(r.To, "")
		}
		return now, from, to, nil
	case r.To != "":
		return fail(problem.Refuse(past.hint()+"to deploy it all the same, say --force", "%s has not run in %s: %s", r.To, r.Env, past.extent()))
	case to.Name == "":
		return fail(problem.Refuse("say --to and a tag, with --force", "there is no tag of %s to go back to in %s: %s", service, r.Env, past.extent()))
	}
	return now, from, to, nil
}

func tagList(refs []image.Ref) string {
	var tags []string
	for _, ref := range refs {
		tags = append(tags, ref.TagOrDigest())
	}
	if len(tags) < 2 {
		return strings.Join(tags, "")
	}
	return strings.Join(tags[:len(tags)-1], ", ") + " and " + tags[len(tags)-1]
}

// past is what a service ran in an environment, read backward.
type past struct {
	*standing
	service string
	tags    []image.Ref       // that ran, the newest first, each once
	back    map[string]Rolled // tags that were rolled back
	cut     bool              // there is more that is not to be had
}

// find looks for the last tag that ran before from and was not rolled back; for a
// certain one where want names it. It is the zero Ref where there is none.
func (p *past) find(ctx context.Context, from image.Ref, want string) (image.Ref, error) {
	rolled, err := rolled(ctx, p.tip, p.env, p.service)
	if err != nil {
		return image.Ref{}, err
	}
	for _, r := range rolled {
		p.back[r.From] = r
	}
	paths := p.paths()
	p.add(versions(p.of(p.service)))
	for e, err := range p.tip.Log(ctx, 0, paths...) {
		if errors.Is(err, gitrepo.ErrShallow) {
			p.cut = true
			break
		}
		if err != nil {
			return image.Ref{}, err
		}
		for _, message := range e.Messages() {
			for _, r := range parseRolled(message, e.Tip) {
				if _, known := p.back[r.From]; !known && r.Env == p.env && r.Service == p.service {
					p.back[r.From] = r
				}
			}
		}
		if e.Before == nil {
			break
		}
		before, err := p.at(ctx, e.Before, paths)
		if err != nil {
			return image.Ref{}, err
		}
		p.add(before)
		for _, ref := range before {
			_, again := p.back[ref.TagOrDigest()]
			switch {
			case want != "" && ref.Tag == want:
				return ref, nil
			case want == "" && len(before) == 1 && !sameVersion(ref, from) && !again:
				return ref, nil
			}
		}
	}
	return image.Ref{}, nil
}

// sameVersion tells whether two references run the same: their tags are equal, or
// short and long forms of one commit's hash.
func sameVersion(a, b image.Ref) bool {
	if a.Suffix() == b.Suffix() {
		return true
	}
	x, y := hashOf(a.Tag), hashOf(b.Tag)
	return x != "" && y != "" && a.Digest == b.Digest && (strings.HasPrefix(x, y) || strings.HasPrefix(y, x))
}

func (p *past) add(refs []image.Ref) {
	for _, ref := range refs {
		if !slices.ContainsFunc(p.tags, func(known image.Ref) bool { return known.Suffix() == ref.Suffix() }) {
			p.tags = append(p.tags, ref)
		}
	}
}

func (p *past) ran(tag string) bool {
	return slices.ContainsFunc(p.tags, func(ref image.Ref) bool { return ref.Tag == tag })
}

// paths are what has to be followed: the service's folder, and files elsewhere
// that hold its image.
func (p *past) paths() []string {
	var paths []string
	folder := path.Join(p.request.Dir(), p.service)
	for _, i := range p.of(p.service) {
		file := i.Place.File
		if strings.HasPrefix(file, folder+"/") {
			file = folder
		}
		if !slices.Contains(paths, file) {
			paths = append(paths, file)
		}
	}
	return paths
}

// at is what the service ran at a commit. Files that cannot be read as YAML, which
// are mended by now, say nothing.
func (p *past) at(ctx context.Context, tip *gitrepo.Tip, paths []string) ([]image.Ref, error) {
	if err := tip.Fetch(ctx, paths...); err != nil {
		return nil, err
	}
	var there []string
	for _, file := range paths {
		if _, err := fs.Stat(tip.FS(ctx), file); err == nil {
			there = append(there, file)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	files, err := read(ctx, gitSnapshot{tip}, p.request, there)
	if err != nil {
		return nil, err
	}
	images, _ := p.request.Read(files)
	return versions(bump.Unchanged(images)), nil
}

// extent is how far the past was read.
func (p *past) extent() string {
	if p.cut {
		return "the history of the k8s repo is cut off before"
	}
	return "its files' history has no other"
}

func (p *past) hint() string {
	const most = 8
	if len(p.tags) == 0 {
		return ""
	}
	return "what ran there is " + tagList(p.tags[:min(most, len(p.tags))]) + "; "
}

// Rolled is a rollback that was made, as a commit's message tells:
//
//	Tagbump-Rollback: api 9f2c1ab → 1f0c9ae
//	Tagbump-Environment: prod
//
// Where what was gone back to is rolled back in turn, the message tells of both,
// the newest first.
type Rolled struct {
	Env, Service, From, To string

	Commit gitrepo.Hash // zero until it is made
	Date   time.Time
}

func (r Rolled) when() string {
	return fmt.Sprintf("on %s by commit %s", r.Date.Format(time.DateOnly), r.Commit.String()[:10])
}

// trailers are the lines of a message that tell of rollbacks of one environment.
func trailers(chain []Rolled) string {
	var b strings.Builder
	for _, r := range chain {
		fmt.Fprintf(&b, "Tagbump-Rollback: %s %s → %s\n", r.Service, r.From, r.To)
	}
	return b.String() + "Tagbump-Environment: " + chain[0].Env + "\n"
}

var (
	rollbackLine    = regexp.MustCompile(`(?m)^Tagbump-Rollback: (\S+) (\S+) → (\S+)\r?$`)
	environmentLine = regexp.MustCompile(`(?m)^Tagbump-Environment: (\S+)\r?$`)
)

// parseRolled reads them from a message; the commit is where it was found.
func parseRolled(message string, commit *gitrepo.Tip) []Rolled {
	return rolledIn(message, commit.Hash, commit.Committer.When)
}

// rolledIn reads them from the message of a commit.
func rolledIn(message string, commit gitrepo.Hash, when time.Time) []Rolled {
	env := environmentLine.FindStringSubmatch(message)
	if env == nil {
		return nil
	}
	var chain []Rolled
	for _, m := range rollbackLine.FindAllStringSubmatch(message, -1) {
		chain = append(chain, Rolled{env[1], m[1], m[2], m[3], commit, when})
	}
	return chain
}

// markName is the mark at the last rollback of a service in an environment. A
// server lists marks with its branches, so that whoever deploys learns of a
// rollback, however long ago, without a request, and of none for nothing.
func markName(env, service string) string { return path.Join("rollback", env, service) }

// rolled is the last rollback of a service in an environment, and those that it
// goes on from. The tip's own message is looked at first: a rollback may have been
// pushed just now, and not have been marked yet.
func rolled(ctx context.Context, tip *gitrepo.Tip, env, service string) ([]Rolled, error) {
	if chain := of(parseRolled(tip.Message, tip), env, service); len(chain) > 0 {
		return chain, nil
	}
	mark, err := tip.Marked(ctx, markName(env, service))
	if mark == nil || err != nil {
		return nil, err
	}
	return of(parseRolled(mark.Message, mark), env, service), nil
}

// of are those of a chain that are a service's in an environment.
func of(chain []Rolled, env, service string) []Rolled {
	return slices.DeleteFunc(chain, func(r Rolled) bool { return r.Env != env || r.Service != service })
}

// active are those of a chain of rollbacks that led to what runs now. Once
// something else runs, they are history.
func active(chain []Rolled, running string) []Rolled {
	for i, r := range chain {
		if r.To != running {
			return chain[:i]
		}
		running = r.From
	}
	return chain
}

// held refuses to bring back what was rolled back: the same tag, or one that its
// commit descends from. What descends from it, and so may have been mended, goes
// through, as does what has nothing to do with it.
func (d *Deployment) held(ctx context.Context, tip snapshot, request *bump.Request, result *bump.Result) error {
	if d.Force || d.goesBack() {
		return nil
	}
	o := order{request: request, history: d.History}
	known := map[string][]Rolled{}
	var refusals problem.List
	for _, i := range result.Images {
		if !i.Changed() {
			continue
		}
		t := *request.Target(i.Old)
		chain, asked := known[t.Name()]
		if !asked {
			var err error
			if chain, err = tip.rolled(ctx, request.Env, t.Name()); err != nil {
				return err
			}
			known[t.Name()] = chain
		}
		for _, r := range active(chain, i.Old.TagOrDigest()) {
			older := i.New.TagOrDigest() == r.From
			if from, to := hashOf(r.From), hashOf(i.New.Tag); !older && from != "" && to != "" {
				relation, err := o.relation(ctx, t, from, to)
				if err != nil {
					return err
				}
				older = relation == Behind
			}
			if older {
				what := i.New.TagOrDigest()
				if what != r.From {
					what += ", which is no newer than " + r.From + ","
				}
				p := problem.Refuse("deploy a newer commit; or, to bring it back all the same, say --force",
					"%s: %s was rolled back to %s in %s, %s", t.Name(), what, i.Old.TagOrDigest(), request.Env, r.when())
				if !slices.ContainsFunc(refusals, func(known *problem.Problem) bool { return known.Message == p.Message }) {
					refusals = append(refusals, p)
				}
				break
			}
		}
	}
	return refusals.Err()
}

// goesBack tells whether the deployment is a rollback, which has looked at what was
// rolled back before.
func (d *Deployment) goesBack() bool {
	if d.History == nil {
		return false
	}
	_, back := d.History(bump.Target{}).(backward)
	return back
}

// proposesRollback tells whether the open pull request would take the service back
// from what runs, so that its tag is an older one on purpose.
func (p *proposal) proposesRollback(still *Outcome) bool {
	if p.head == nil {
		return false
	}
	chain := rolledIn(p.head.message, gitrepo.Hash{}, time.Time{})
	return len(chain) > 0 && slices.Contains(still.OldTags(), chain[0].From)
}

// CommitOf is the hash of the commit that a tag names, perhaps shortened; "" where
// it names none.
func CommitOf(tag string) string { return hashOf(tag) }

// ProposedTag is the tag that a pull request's body proposes, "" where tagbump did
// not write it.
func ProposedTag(body string) string { return proposedTag(body) }
