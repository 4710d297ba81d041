package deploy

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// policy is how tags reach the environments of a task: the strictest of what their
// files say. The default branch's files decide; those of the branch that is pushed to
// may only add to them.
type policy struct {
	inventory.Deploy                          // of all of them together; its Order and After are below
	decides          problem.Place            // where the Strategy is set
	missing          map[string]problem.Place // by environment: what does not set it
	orders           map[string]string        // by environment; "" is inventory.OrderCommit
	after            []condition
}

// condition is an environment that must run a tag first.
type condition struct {
	env   string
	of    string        // the environment that has this condition
	place problem.Place // of the line
	at    *repo.Commit  // whose files have it
	unmet error         // why it can never be met, nil where it can
}

// policyFile returns the name of the file that says how an environment is deployed.
func policyFile(env string) string { return inventory.EnvironmentsDir + "/" + env + ".yaml" }

// pastPolicy reports whether a push is meant where the policy wants a pull request, or
// another environment first. Force alone is for the order of tags, and still proposes.
func pastPolicy(o *Options) bool { return o.Force && o.Push }

// readPolicy reads how environments are deployed, as a commit's files say it. A nil
// commit says nothing.
func readPolicy(ctx context.Context, tip *repo.Commit, envs []string) (*policy, error) {
	whole := &policy{missing: map[string]problem.Place{}, orders: map[string]string{}}
	var problems problem.List
	for _, env := range envs {
		whole.missing[env] = problem.Place{File: policyFile(env)}
		if tip == nil {
			continue
		}
		p, err := inventory.LoadPolicy(tip.FS(ctx), env)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		problems.Add(err)
		if err == nil {
			problems.Add(whole.join(env, p, tip))
		}
	}
	return whole, problems.Err()
}

// join adds the policy of another environment, so that the whole is the stricter of the
// two in each respect.
func (w *policy) join(env string, p *inventory.Policy, tip *repo.Commit) error {
	w.missing[env] = p.Place("strategy")
	if p.Strategy != "" {
		delete(w.missing, env)
	}
	if w.Strategy == "" || p.Strategy == inventory.PullRequest && w.Strategy != p.Strategy {
		w.Strategy, w.decides = p.Strategy, p.Place("strategy")
	}
	if p.Branch != "" && w.Branch != "" && p.Branch != w.Branch {
		refusal := problem.Refuse("deploy to one after the other, or pass --branch", "%s is deployed from the branch %s, and what it moves with from %s: one commit cannot be on both", env, p.Branch, w.Branch)
		refusal.Place = p.Place("branch")
		return refusal
	}
	w.Branch = cmp.Or(w.Branch, p.Branch)
	w.orders[env] = p.Order
	w.require(env, p, tip)
	w.Draft = w.Draft || p.Draft
	w.Labels, w.Assignees = union(w.Labels, p.Labels), union(w.Assignees, p.Assignees)
	w.Reviewers, w.TeamReviewers = union(w.Reviewers, p.Reviewers), union(w.TeamReviewers, p.TeamReviewers)
	return nil
}

// require adds the condition of a policy.
func (w *policy) require(env string, p *inventory.Policy, tip *repo.Commit) {
	known := func(c condition) bool { return c.env == p.After && (c.unmet != nil || p.Unmet == nil) }
	if p.After != "" && !slices.ContainsFunc(w.after, known) {
		w.after = append(w.after, condition{p.After, env, p.Place("after"), tip, p.Unmet})
	}
}

func union(list, more []string) []string {
	list = slices.Clip(list)
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// add adds what the files of the branch that is pushed to may add: a pull request over
// a push, an environment that comes first, an order where there is none.
func (w *policy) add(ctx context.Context, tip *repo.Commit, envs []string) error {
	var problems problem.List
	for _, env := range envs {
		p, err := inventory.LoadPolicy(tip.FS(ctx), env)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		problems.Add(err)
		if p.Strategy == inventory.PullRequest && w.Strategy != inventory.PullRequest {
			w.Strategy, w.decides = p.Strategy, p.Place("strategy")
		}
		if p.Order != "" && p.Order != inventory.OrderNone && w.orders[env] == inventory.OrderNone {
			w.orders[env] = p.Order
		}
		w.require(env, p, tip)
	}
	return problems.Err()
}

// order returns how the tags of an environment compare. Where several environments move
// together, none of them is without an order that another has: it takes that of the first
// one, by name, that has one.
func (w *policy) order(env string) string {
	if own := cmp.Or(w.orders[env], inventory.OrderCommit); own != inventory.OrderNone {
		return own
	}
	for _, other := range slices.Sorted(maps.Keys(w.orders)) {
		if order := cmp.Or(w.orders[other], inventory.OrderCommit); order != inventory.OrderNone {
			return order
		}
	}
	return inventory.OrderNone
}

// check refuses what the policy does not allow. A missing strategy alone yields to
// --push; nothing else does.
func (w *policy) check(ctx context.Context, o *Options, b *base, envs []string) error {
	switch {
	case len(w.missing) > 0 && !o.Push:
		return w.noStrategy(ctx, b, envs)
	case w.Strategy == inventory.PullRequest && o.Pulls == nil && !pastPolicy(o):
		p := problem.Refuse("name the k8s repo by its URL on GitHub; or push past the policy with --push --force",
			"%s is deployed by pull request, and there is nobody to propose to: the k8s repo is a path, or on another host than GITHUB_SERVER_URL's", strings.Join(envs, "+"))
		p.Place = w.decides
		return p
	}
	return nil
}

// noStrategy returns the refusal where no file says how an environment is deployed.
func (w *policy) noStrategy(ctx context.Context, b *base, envs []string) error {
	var problems problem.List
	for _, env := range envs {
		place, missing := w.missing[env]
		if !missing {
			continue
		}
		folder := path.Join(env, "manifests")
		there := b.home != nil && exists(ctx, b.home, policyFile(env))
		if !there && !exists(ctx, b.Commit, folder) && !exists(ctx, b.Commit, policyFile(env)) {
			problems.Add(noEnvironment(b.FS(ctx), env, folder))
			continue
		}
		what := "deploy.strategy is missing, as is the file"
		if there {
			what = "deploy.strategy is missing"
		}
		if b.Branch != b.Default {
			what += ", on the default branch, whose files decide"
		}
		p := problem.Refuse("add the line deploy: {strategy: push} or deploy: {strategy: pull-request} to "+policyFile(env)+"; or pass --push to push to "+b.Branch,
			"the k8s repo does not say how %s is deployed: %s", env, what)
		p.Place = place
		problems.Add(p)
	}
	return problems.Err()
}

// exists reports whether a commit has a folder or file; what is not known counts as
// there.
func exists(ctx context.Context, tip *repo.Commit, name string) bool {
	_, err := tip.Tree.Lookup(ctx, name)
	return !errors.Is(err, fs.ErrNotExist)
}
