package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/hold"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

// Promotion deploys to one environment what another runs.
type Promotion struct {
	Options
	From, To string
	Services []string       // none, and no Images, are all that both environments have
	Images   []string       // repositories, beside Services
	Together bool           // one commit or pull request for all, or nothing
	Places   bump.Selection // where images are looked for, and whether digests are: its Path, Narrowing and ResolveDigest
}

// Promoted is what a promotion came to for one service.
type Promoted struct {
	Service string
	Tag     string   // or digest, that From runs; "" where that is not clear
	Old     []string // tags or digests that the target runs
	Outcome *Outcome // nil where nothing was tried
	Err     error    // why not, or why it failed

	next image.Ref // what is to be deployed; the zero Ref is nothing
}

// Run reads what From runs, and decides service by service: what may not go on is
// refused, and the rest is deployed. Services with the same tag are one commit
// where the policy is to push; a pull request is of one service. Together makes one
// of all of them.
//
// The error is of what concerns all services, such as an environment that is not
// there. What became of each is in the list, in the order of the services.
func (p *Promotion) Run(ctx context.Context) ([]Promoted, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	from, err := readEnv(ctx, &p.Options, p.in(p.From))
	if err != nil {
		return nil, err
	}
	to, err := readEnv(ctx, &p.Options, p.in(p.To))
	if err != nil {
		return nil, err
	}
	list, err := p.decide(ctx, from, to)
	if err != nil {
		return nil, err
	}
	if err := p.leaveHeldOut(ctx, to, list); err != nil {
		return nil, err
	}
	if p.Together && slices.ContainsFunc(list, func(s Promoted) bool { return s.Err != nil && !errors.Is(s.Err, ErrHeld) }) {
		return list, nil
	}
	for n, group := range p.groups(list, to.base.policy.Deploy) {
		if ended := ctx.Err(); ended != nil && n > 0 {
			for _, i := range group {
				list[i].Err = notTried(list[i].Service, ended)
			}
			continue
		}
		t := deployTask(&p.Options, p.selections(list, group))
		t.from = p.From
		outcome, err := run(ctx, &p.Options, t)
		for _, i := range group {
			list[i].Outcome, list[i].Err = outcome, err
		}
	}
	return list, nil
}

// notTried returns the error of a service that a run ended before, by its deadline or by a
// signal.
func notTried(service string, ended error) error {
	if errors.Is(ended, context.DeadlineExceeded) {
		return problem.New("run it again, or allow it more time with --timeout", "%s: --timeout ended before it was deployed", service)
	}
	return problem.New("run it again", "%s: interrupted before it was deployed", service)
}

// all reports whether all services are promoted, and none is named.
func (p *Promotion) all() bool { return len(p.Services)+len(p.Images) == 0 }

// leaveHeldOut leaves out services that are held, or whose rollback, hold or release is
// proposed, where all are promoted. Those that share the image of one are held with it.
func (p *Promotion) leaveHeldOut(ctx context.Context, to *envState, list []Promoted) error {
	if !p.all() {
		return nil
	}
	holds, err := hold.All(to.base.FS(ctx), p.To)
	if err != nil {
		return err
	}
	proposed, err := proposedHolds(ctx, &p.Options, to.base, []string{p.To})
	if err != nil {
		return err
	}
	why, byImage := map[string]string{}, map[string]string{}
	add := func(service, text string) {
		why[service] = text
		if repository := to.repository(service); repository != "" {
			byImage[repository] = text
		}
	}
	for _, h := range proposed {
		add(h.service, h.String())
	}
	for _, h := range holds {
		add(h.Service, h.String())
	}
	for i := range list {
		held := cmp.Or(why[list[i].Service], byImage[to.repository(list[i].Service)])
		if held == "" || list[i].next.Name == "" {
			continue
		}
		list[i].next = image.Ref{}
		list[i].Outcome = &Outcome{Result: &bump.Result{Images: to.of(list[i].Service)}, Status: Held, Branch: to.base.Branch, NewTag: list[i].Tag, Notices: []string{held}}
	}
	return nil
}

// selections returns those of a group of services, one for each tag.
func (p *Promotion) selections(list []Promoted, group []int) []bump.Selection {
	var all []bump.Selection
	for _, i := range group {
		next := list[i].next
		at := slices.IndexFunc(all, func(s bump.Selection) bool { return s.Tag == next.Tag && s.Digest == next.Digest })
		if at < 0 {
			at = len(all)
			s := p.in(p.To)
			s.Services, s.Images, s.Tag, s.Digest = nil, nil, next.Tag, next.Digest
			s.ResolveDigest = s.ResolveDigest && next.Digest == "" // a digest goes along: it is the same in every repository
			all = append(all, s)
		}
		if repository := p.imageOf(list[i].Service); repository != "" {
			all[at].Images = append(all[at].Images, repository)
			continue
		}
		all[at].Services = append(all[at].Services, list[i].Service)
	}
	return all
}

// imageOf returns the repository of --image that is called so, "" where it is a service.
func (p *Promotion) imageOf(name string) string {
	if at := slices.Index(namesOf(bump.Selection{Images: p.Images}), name); at >= 0 {
		return p.Images[at]
	}
	return ""
}

// in selects the promotion's services and images in an environment.
func (p *Promotion) in(env string) bump.Selection {
	s := p.Places
	s.Env, s.Services, s.Images = env, slices.Clone(p.Services), slices.Clone(p.Images)
	s.ResolveDigest = s.ResolveDigest && env == p.To
	return s
}

func (p *Promotion) validate() error {
	var problems problem.List
	if p.From == "" {
		problems.Add(problem.New("pass --from dev", "--from is missing"))
	}
	if p.To == "" {
		problems.Add(problem.New("pass --to prod", "--to is missing"))
	}
	if p.From != "" && p.From == p.To {
		problems.Add(problem.New("name two environments", "--from and --to are both %s", p.To))
	}
	for i, name := range namesOf(bump.Selection{Images: p.Images}) {
		repository := p.Images[i]
		if slices.Contains(p.Services, name) || p.imageOf(name) != repository {
			problems.Add(problem.New("promote one after the other", "two of what is promoted are called %s: --image %s is one of them", name, repository))
		}
	}
	return problems.Err()
}

// decide returns, for each service, what is to be deployed, or why nothing is.
func (p *Promotion) decide(ctx context.Context, from, to *envState) ([]Promoted, error) {
	before, err := p.readBefore(ctx, to)
	if err != nil {
		return nil, err
	}
	names := namesOf(bump.Selection{Services: p.Services, Images: p.Images})
	if p.all() {
		for _, s := range from.services {
			if len(from.of(s.Name)) > 0 && len(to.of(s.Name)) > 0 {
				names = append(names, s.Name)
			}
		}
	}
	list := make([]Promoted, len(names))
	for i, name := range names {
		ref, err := promotable(name, from, to)
		if err == nil {
			var refusals problem.List
			for _, b := range before {
				refusals.Add(b.refuse(name, ref, versions(b.runs[name])))
			}
			err = refusals.Err()
		}
		list[i] = Promoted{Service: name, Err: err}
		if ref.Name != "" {
			list[i].Tag = ref.TagOrDigest()
		}
		for _, old := range versions(to.of(name)) {
			list[i].Old = append(list[i].Old, old.TagOrDigest())
		}
		if err != nil {
			continue
		}
		if all := versions(to.of(name)); p.all() && len(all) == 1 && all[0].Suffix() == ref.Suffix() {
			// It runs there already: of all services, most do.
			list[i].Outcome = &Outcome{Result: &bump.Result{Images: to.of(name)}, Status: Unchanged, Branch: to.base.Branch, NewTag: ref.TagOrDigest()}
			continue
		}
		list[i].next = ref
	}
	return list, nil
}

// before is an environment that comes before the target of a promotion.
type before struct {
	*condition
	runs map[string][]bump.ImageChange // by service
}

// readBefore reads what the environments run that come before the target.
func (p *Promotion) readBefore(ctx context.Context, to *envState) ([]before, error) {
	t := &task{envs: []string{p.To}, selections: []bump.Selection{p.in(p.To)}}
	if p.all() {
		t.selections[0].Services = to.withImage()
	}
	var list []before
	for i := range to.base.policy.after {
		c := &to.base.policy.after[i]
		if c.env == p.From || pastPolicy(&p.Options) {
			continue
		}
		runs, err := c.read(ctx, &p.Options, t, to.base)
		if err != nil {
			return nil, err
		}
		list = append(list, before{c, runs})
	}
	return list, nil
}

// promotable returns what a service runs in from, if that may go on.
func promotable(service string, from, to *envState) (image.Ref, error) {
	all := versions(from.of(service))
	switch {
	case len(all) == 0:
		return image.Ref{}, problem.Refuse("look for another --from or --service", "%s does not run in %s", service, from.env)
	case len(all) > 1:
		p := problem.Refuse("", "%s runs %s in %s: which one is to go to %s is not clear", service, tagList(all), from.env, to.env)
		p.Hint = "deploy one of them there, or name one with tagbump deploy; found are" + places(from.of(service))
		return image.Ref{}, p
	case len(to.of(service)) == 0:
		return all[0], problem.Refuse("look for another --to or --service", "%s does not run in %s", service, to.env)
	case all[0].Tag == "" && all[0].Digest == "":
		return image.Ref{}, problem.Refuse("give it a tag with tagbump deploy", "%s runs without a tag in %s", service, from.env)
	}
	return all[0], nil
}

func places(images []bump.ImageChange) string {
	const maxPlaces = 12
	var b strings.Builder
	for n, i := range images {
		if n == maxPlaces {
			fmt.Fprintf(&b, "\n  and %d more", len(images)-n)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", i.Place, i.Old)
	}
	return b.String()
}

// groups returns the services that are deployed together, by their places in the list.
func (p *Promotion) groups(list []Promoted, policy inventory.Deploy) [][]int {
	var groups [][]int
	at := map[string]int{}
	for i, s := range list {
		if s.next.Name == "" {
			continue
		}
		version := s.next.Suffix()
		if p.Together {
			version = ""
		}
		if g, ok := at[version]; ok && (policy.Strategy != inventory.PullRequest || p.Together) {
			groups[g] = append(groups[g], i)
			continue
		}
		at[version] = len(groups)
		groups = append(groups, []int{i})
	}
	return groups
}

// PromotedErr returns every problem in a list, each once: services of one deployment
// share theirs.
func PromotedErr(list []Promoted) error {
	var errs []error
	var known []string
	for _, s := range list {
		isNew := false
		for _, p := range problem.All(s.Err) {
			if !slices.Contains(known, p.Error()) {
				known, isNew = append(known, p.Error()), true
			}
		}
		if isNew {
			errs = append(errs, s.Err)
		}
	}
	return errors.Join(errs...)
}
