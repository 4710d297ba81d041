package deploy

import (
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
	Services []string       // none are all that both environments have
	Together bool           // one commit or pull request for all, or nothing
	Places   bump.Selection // where images are looked for: its Path and Narrowing
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
	var after *envState
	if name := to.base.policy.After; name != "" && name != p.From {
		if after, err = readEnv(ctx, &p.Options, p.in(name)); err != nil {
			return nil, err
		}
	}
	list := p.decide(from, to, after)
	if err := p.leaveHeldOut(ctx, to, list); err != nil {
		return nil, err
	}
	if p.Together && slices.ContainsFunc(list, func(s Promoted) bool { return s.Err != nil && !errors.Is(s.Err, ErrHeld) }) {
		return list, nil
	}
	for _, group := range p.groups(list, to.base.policy) {
		outcome, err := run(ctx, &p.Options, deployTask(&p.Options, p.selections(list, group)))
		for _, i := range group {
			list[i].Outcome, list[i].Err = outcome, err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return list, nil
}

// leaveHeldOut leaves out services that are held, where all are promoted.
func (p *Promotion) leaveHeldOut(ctx context.Context, to *envState, list []Promoted) error {
	if len(p.Services) > 0 {
		return nil
	}
	holds, err := hold.All(to.base.FS(ctx), p.To)
	if err != nil {
		return err
	}
	for i := range list {
		at := slices.IndexFunc(holds, func(h *hold.Hold) bool { return h.Service == list[i].Service })
		if at < 0 || list[i].next.Name == "" {
			continue
		}
		list[i].next = image.Ref{}
		list[i].Outcome = &Outcome{Result: &bump.Result{Images: same(to.of(list[i].Service))}, Status: Held, Branch: to.base.Branch, NewTag: list[i].Tag, Notices: []string{holds[at].String()}}
	}
	return nil
}

// selections are those of a group of services, one for each tag.
func (p *Promotion) selections(list []Promoted, group []int) []bump.Selection {
	var all []bump.Selection
	for _, i := range group {
		next := list[i].next
		at := slices.IndexFunc(all, func(s bump.Selection) bool { return s.Tag == next.Tag && s.Digest == next.Digest })
		if at < 0 {
			at = len(all)
			s := p.in(p.To)
			s.Services, s.Tag, s.Digest = nil, next.Tag, next.Digest
			all = append(all, s)
		}
		all[at].Services = append(all[at].Services, list[i].Service)
	}
	return all
}

// in selects the promotion's services in an environment.
func (p *Promotion) in(env string) bump.Selection {
	s := p.Places
	s.Env, s.Services = env, slices.Clone(p.Services)
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
	return problems.Err()
}

// decide says of each service what is to be deployed.
func (p *Promotion) decide(from, to, after *envState) []Promoted {
	names := slices.Clone(p.Services)
	if len(names) == 0 {
		for _, s := range from.services {
			if len(from.of(s.Name)) > 0 && len(to.of(s.Name)) > 0 {
				names = append(names, s.Name)
			}
		}
	}
	list := make([]Promoted, len(names))
	for i, name := range names {
		ref, err := promotable(name, from, to, after, p.Force && p.Push)
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
		if all := versions(to.of(name)); len(p.Services) == 0 && len(all) == 1 && all[0].Suffix() == ref.Suffix() {
			// It runs there already: of all services, most do.
			list[i].Outcome = &Outcome{Result: &bump.Result{Images: same(to.of(name))}, Status: Unchanged, Branch: to.base.Branch, NewTag: ref.TagOrDigest()}
			continue
		}
		list[i].next = ref
	}
	return list
}

// same are images that stay what they are.
func same(images []bump.ImageChange) []bump.ImageChange {
	list := slices.Clone(images)
	for i := range list {
		list[i].New = list[i].Old
	}
	return list
}

// promotable is what a service runs in from, if that may go on.
func promotable(service string, from, to, after *envState, force bool) (image.Ref, error) {
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
	case after == nil || force:
		return all[0], nil
	}
	there := versions(after.of(service))
	if len(there) == 1 && there[0].Tag == all[0].Tag && (all[0].Tag != "" || there[0].Digest == all[0].Digest) {
		return all[0], nil
	}
	what := "does not run there"
	if len(there) > 0 {
		what = tagList(there) + " runs there"
	}
	p := problem.Refuse("", "%s: %s has not been in %s, which comes before %s: %s", service, all[0].TagOrDigest(), after.env, to.env, what)
	if len(there) == 0 {
		p.Message = fmt.Sprintf("%s has not been in %s, which comes before %s: it does not run there", service, after.env, to.env)
	}
	p.Hint = fmt.Sprintf("first run tagbump promote --from %s --to %s --service %s; the line after: %s is in %s/%s.yaml", from.env, after.env, service, after.env, inventory.EnvironmentsDir, to.env)
	return all[0], p
}

func places(images []bump.ImageChange) string {
	const most = 12
	var b strings.Builder
	for n, i := range images {
		if n == most {
			fmt.Fprintf(&b, "\n  and %d more", len(images)-n)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", i.Place, i.Old)
	}
	return b.String()
}

// groups are the services that are deployed together, by their places in the list.
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
