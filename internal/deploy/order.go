package deploy

import (
	"context"
	"io/fs"
	"slices"

	"k8srepo/internal/bump"
	"k8srepo/internal/image"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

// order takes the images out of a result that would go back, so that older never
// replaces newer. An order that is not known is refused.
type order struct {
	request *bump.Request
	kind    string                                   // inventory.OrderCommit, OrderSemver or OrderNone
	history func(t bump.Target) History              // nil, or nil for a target, where unknown
	owners  func(t bump.Target) []*inventory.Service // whose image a target is
	force   bool
	notice  func(format string, args ...any)
}

// newer returns the references that run, of images that change, with whether the request's
// tag may replace them. The error has every refusal.
func (o *order) newer(ctx context.Context, result *bump.Result) (map[string]bool, error) {
	newer := map[string]bool{}
	var refusals problem.List
	for _, i := range result.Images {
		ref := i.Old.String()
		if _, asked := newer[ref]; asked || !i.Changed() {
			continue
		}
		ok, err := o.mayReplace(ctx, *o.request.Target(i.Old), i.Old)
		if err != nil && !isRefusal(err) {
			return nil, err // another attempt may mend it: its kind says so
		}
		refusals.Add(err)
		newer[ref] = ok
	}
	return newer, refusals.Err()
}

// mayReplace reports whether the request's tag may replace a running one.
func (o *order) mayReplace(ctx context.Context, t bump.Target, running image.Ref) (bool, error) {
	next := o.request.Tag
	switch {
	case o.force, o.kind == inventory.OrderNone, next != "" && next == running.Tag:
		return true, nil
	case running.Tag == "":
		o.notice("%s: %s is a digest without a tag, so what replaces it may be older", t.Name(), running.TagOrDigest())
		return true, nil
	}
	relation, err := o.relation(ctx, &t, running.Tag, next)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, err
	case err == nil && relation == Ahead:
		return true, nil
	case err == nil && relation == Behind:
		return false, nil
	case err == nil && relation == TestMerge:
		return false, o.refusal(relation, t, running.Tag)
	case o.isFirst(t, running.Tag):
		o.notice("%s: %s, which runs, is its first tag (tag: in %s), so %s replaces it, and may be older", t.Name(), running.Tag, inventory.UsersFile, o.request.Version())
		return true, nil
	case err != nil:
		return false, err
	}
	return false, o.refusal(relation, t, running.Tag)
}

// isFirst reports whether a running tag is the one that users.yaml gives a service of the
// image, until it is moved.
func (o *order) isFirst(t bump.Target, running string) bool {
	return slices.ContainsFunc(o.owners(t), func(s *inventory.Service) bool { return s.Tag == running })
}

// relation returns how the tag next stands to the running one.
func (o *order) relation(ctx context.Context, t *bump.Target, running, next string) (Relation, error) {
	if o.kind == inventory.OrderSemver {
		switch order, ok := compareVersions(next, running); {
		case ok && order < 0:
			return Behind, nil
		case ok:
			return Ahead, nil
		case !semantic.MatchString(next):
			return NewUnknown, nil
		}
		return OldUnknown, nil
	}
	if next == "" {
		return NewUnknown, nil
	}
	if t.Source == "" { // an image that was named by its repository may be a service's
		for _, s := range o.owners(*t) {
			t.Source = s.Repository
		}
	}
	if o.history == nil {
		return NotKnown, nil
	}
	history := o.history(*t)
	if history == nil {
		return NotKnown, nil
	}
	return history.Relation(ctx, running, next)
}

// refusal returns the refusal where it is not clear that the request's tag is newer.
func (o *order) refusal(relation Relation, t bump.Target, running string) error {
	const force = "to deploy it anyway, pass --force"
	const clone = "a clone that has it is made with fetch-depth: 0; "
	service, next, env := t.Name(), o.request.Tag, policyFile(o.request.Env)
	switch source := "the service's repository"; relation {
	case NewUnknown, OldUnknown:
		if next == "" {
			return problem.Refuse("pass --tag too; "+force, "%s: a digest does not tell whether it is newer than %s, which runs", service, running)
		}
		tag, which := next, ""
		if relation == OldUnknown {
			tag, which = running, ", which runs,"
		}
		switch {
		case o.kind == inventory.OrderSemver:
			return problem.Refuse("a version is written 1.2.3 or v1.2.3-rc.1; "+force, "%s: %s%s is no semantic version, and %s compares tags by them (order: semver)", service, tag, which, env)
		case len(hashesIn(tag)) == 0:
			return problem.Refuse("tag images by their commit, or write order: semver or order: none into "+env+"; "+force, "%s: %s%s names no commit of %s: it has no hash in it, and no Git tag has its name", service, tag, which, source)
		case relation == OldUnknown:
			return problem.Refuse(clone+force, "%s: %s, which runs, is no commit of %s", service, tag, source)
		}
		return problem.Refuse("is it pushed? In a workflow on pull_request, GITHUB_SHA is a test merge that no branch has: take github.event.pull_request.head.sha; "+clone+force, "%s: %s is no commit of %s", service, tag, source)
	case OldAmbiguous:
		return problem.Refuse(force, "%s: %s, which runs, names two commits of %s", service, running, source)
	case NewAmbiguous:
		return problem.Refuse(force, "%s: %s names two commits of %s", service, next, source)
	case TestMerge:
		return problem.Refuse("build and tag github.event.pull_request.head.sha, or deploy after the merge; "+force,
			"%s: %s is GitHub's test merge of a pull request: no branch has it", service, next)
	case Diverged:
		return problem.Refuse(force, "%s: %s and %s, which runs, are on diverged branches: neither is newer", service, next, running)
	case CutOff:
		return problem.Refuse("check the service out with fetch-depth: 0; "+force, "%s: the clone is shallow: its history ends before it shows whether %s is newer than %s, which runs", service, next, running)
	}
	return problem.Refuse("pass a clone with --app-repo, or give the service a repository: in "+inventory.UsersFile+", or write order: semver or order: none into "+env+"; "+force,
		"%s: nothing is known of its commits, so %s may be older than %s, which runs", service, next, running)
}

// ownersIn returns a function that looks up the services that run the image of one of a
// request's targets. It reads users.yaml when it is first asked.
func ownersIn(tree fs.FS, request *bump.Request) func(t bump.Target) []*inventory.Service {
	var owners map[string][]*inventory.Service
	return func(t bump.Target) []*inventory.Service {
		if owners == nil {
			refs := make([]image.Ref, len(request.Targets))
			for i, target := range request.Targets {
				refs[i] = target.Repository
			}
			owners = servicesOf(tree, request.Env, refs)
		}
		return owners[t.Repository.Repository()]
	}
}

// servicesOf returns the services that run some images in an environment, by repository.
// Of users.yaml only the lines that may be about them are parsed; one that cannot be read
// has none.
func servicesOf(tree fs.FS, env string, refs []image.Ref) map[string][]*inventory.Service {
	var words []string
	for _, ref := range refs {
		words = append(words, ref.Base())
	}
	file, err := inventory.LoadEnvironment(tree, env)
	if err == nil {
		for name, o := range file.Overrides {
			if o.Image != "" {
				words = append(words, name)
			}
		}
	}
	services, _ := inventory.LoadMentioning(tree, words)
	byImage := map[string][]*inventory.Service{}
	for _, s := range services {
		if ref, err := repositoryOf(file, s); err == nil {
			byImage[ref.Repository()] = append(byImage[ref.Repository()], s)
		}
	}
	return byImage
}

// isRefusal reports whether an error is an answer of no, rather than that the answer
// is not known.
func isRefusal(err error) bool { return problem.ExitStatus(err) == problem.ExitRefused }
