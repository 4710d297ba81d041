package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/bump"
	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
	"k8srepo/internal/registry"
)

func promoteCommand(con *console.Console, getenv func(string) string) *cli.Command {
	return &cli.Command{
		Name:  "promote",
		Usage: "deploy to one environment what another runs",
		Description: `Reads which tag each service runs in the first environment, and deploys it to the
second: by a push or a pull request, as that environment's policy says. Where the
policy names an environment that comes before (after: staging), a tag that does
not run there goes no further. Older never replaces newer.

   tagbump promote --repo https://github.com/example/k8s --from dev --to staging --service api
   tagbump promote --repo https://github.com/example/k8s --from staging --to prod --all`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "repo", Usage: "the k8s repo's `URL`: https, ssh, or a path"},
			&cli.StringSliceFlag{Name: "from", Usage: "the `environment` that runs it"},
			&cli.StringSliceFlag{Name: "to", Usage: "the `environment` that is to run it"},
			&cli.StringSliceFlag{Name: "service", Usage: "a `service` of users.yaml (may be repeated)"},
			&cli.StringSliceFlag{Name: "image", Usage: "an image's `repository`, without a tag (may be repeated)"},
			&cli.BoolFlag{Name: "all", Usage: "every service that runs in both"},
			&cli.BoolFlag{Name: "together", Usage: "one commit or pull request for all of them, or nothing"},
			&cli.BoolFlag{Name: "resolve-digest", Usage: "ask the registry of --to for the digest of a tag that --from runs without one, and write both (with the credentials of docker login)"},
			&cli.BoolFlag{Name: "force", Usage: "push past the policy, past the environment before, and to an older tag"},
		}, placeFlags, pushFlags),
		Action: func(c *cli.Context) error {
			o := pushOptions(c, getenv)
			o.Services, o.Images, o.force = c.StringSlice("service"), c.StringSlice("image"), c.Bool("force")
			from, err := once(c, "from", "a promotion is from one environment")
			if err != nil {
				return err
			}
			if o.Env, err = once(c, "to", "a promotion is to one environment"); err != nil {
				return err
			}
			placesOf(c, &o.Selection)
			o.ResolveDigest = c.Bool("resolve-digest")
			return promote(c.Context, con, o, from, c.Bool("all"), c.Bool("together"))
		},
	}
}

// promote runs the promotion, and says what it came to, service by service.
func promote(ctx context.Context, con *console.Console, o deployOptions, from string, all, together bool) error {
	switch {
	case o.output != "text" && o.output != "json":
		return problem.New("", "--output must be text or json, not %q", o.output)
	case len(o.Services)+len(o.Images) == 0 && !all:
		return problem.New("pass --service api, --image with a repository, or --all", "--service is missing")
	case len(o.Services)+len(o.Images) > 0 && all:
		return problem.New("pass one of the two", "--all is given beside a service or an image")
	}
	options, closeStore, err := o.options(con)
	if err != nil {
		return reportPromoted(con, o, from, nil, err)
	}
	defer closeStore()
	options.LookupDigest = (&registry.Checker{Tell: con.Notice, CAFile: o.caFile}).Digest
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	list, err := (&deploy.Promotion{Options: *options, From: from, To: o.Env, Services: o.Services, Images: o.Images, Together: together, Places: bump.Selection{Path: o.Path, Narrowing: o.Narrowing, ResolveDigest: o.ResolveDigest}}).Run(ctx)
	return reportPromoted(con, o, from, list, errors.Join(err, deploy.PromotedErr(list)))
}

// promoteResult is what promote --output json prints, on success and on failure.
// Version grows when a field changes its meaning or goes.
//
//	{
//	  "version": 1,
//	  "from": "staging",
//	  "to": "prod",
//	  "result": "failed",
//	  "services": [
//	    {"service": "api", "tag": "9f2c1ab", "result": "changed", "commit": "5d1c…", "old_tags": ["1f0c9ae"], "files": […]},
//	    {"service": "web", "tag": "", "result": "failed", "problems": [{"message": "web runs …", "refused": true}]}
//	  ],
//	  "problems": []
//	}
type promoteResult struct {
	Version  int               `json:"version"`
	From     string            `json:"from"`
	To       string            `json:"to"`
	Result   string            `json:"result"` // the first that any service has of failed, changed, proposed, planned, superseded, held and unchanged
	Services []promotedService `json:"services"`
	Problems []console.Problem `json:"problems"` // all of them, those of the services too
}

type promotedService struct {
	Service  string            `json:"service"`
	Tag      string            `json:"tag"`    // or digest; "" where it is not clear
	Result   string            `json:"result"` // changed, unchanged, superseded, held, proposed, planned or failed
	Branch   string            `json:"branch,omitempty"`
	Commit   string            `json:"commit,omitempty"`
	Pull     string            `json:"pull_request,omitempty"` // its URL
	OldTags  []string          `json:"old_tags"`
	Files    []string          `json:"files"`
	Mentions []mentionResult   `json:"mentions"` // of the image with another tag, in places that are no images
	Notices  []string          `json:"notices"`
	Problems []console.Problem `json:"problems"`
}

func newPromoteResult(o deployOptions, from string, list []deploy.Promoted, err error) promoteResult {
	r := promoteResult{Version: 1, From: from, To: o.Env, Services: []promotedService{}, Problems: console.JSONProblems(err)}
	for _, p := range list {
		s := promotedService{Service: p.Service, Tag: p.Tag, Result: deploy.Failed, OldTags: append([]string{}, p.Old...), Files: []string{}, Mentions: []mentionResult{}, Notices: []string{}, Problems: console.JSONProblems(p.Err)}
		if p.Outcome != nil {
			s.Result, s.Branch, s.Commit, s.Pull = p.Outcome.Status, p.Outcome.Branch, p.Outcome.Commit, p.Outcome.PullRequest
			s.Notices = append(s.Notices, p.Outcome.Notices...)
			if p.Outcome.Result != nil {
				s.Mentions = mentionResults(p.Outcome.Mentions)
			}
			for _, f := range p.Outcome.Files {
				s.Files = append(s.Files, f.Path)
			}
		}
		r.Services = append(r.Services, s)
	}
	r.Result = r.overall(err)
	return r
}

// overall is the result that stands for all services: the first of this order that one
// of them has.
func (r *promoteResult) overall(err error) string {
	if err != nil {
		return deploy.Failed
	}
	for _, result := range []string{deploy.Failed, deploy.Changed, deploy.Proposed, deploy.Planned, deploy.Superseded, deploy.Held} {
		if slices.ContainsFunc(r.Services, func(s promotedService) bool { return s.Result == result }) {
			return result
		}
	}
	return deploy.Unchanged
}

// reportPromoted shows what came of it. The error is err.
func reportPromoted(con *console.Console, o deployOptions, from string, list []deploy.Promoted, err error) error {
	r := newPromoteResult(o, from, list, err)
	var files, commits, pulls, notices []string
	changed := false
	for _, s := range r.Services {
		changed = changed || s.Result == deploy.Changed
		files = union(files, s.Files)
		notices = union(notices, s.Notices)
		if s.Commit != "" {
			commits = union(commits, []string{s.Commit})
		}
		if s.Pull != "" {
			pulls = union(pulls, []string{s.Pull})
		}
	}
	for _, n := range notices {
		con.Notice(n)
	}
	reportMentions(con, mentionsOf(list))
	told := errors.Join(
		con.Outputs([]console.Output{
			{Name: "result", Value: r.Result},
			{Name: "changed", Value: fmt.Sprint(changed)},
			{Name: "commit", Value: strings.Join(commits, " ")},
			{Name: "pull-request", Value: strings.Join(pulls, " ")},
			{Name: "files", Value: strings.Join(files, "\n")},
		}),
		con.Summary(summaryOfPromoted(r)))
	if told != nil {
		told = problem.New("", "GitHub Actions cannot be told: %v", told)
	}
	if o.output == "json" {
		told = errors.Join(told, con.JSON(r))
	} else {
		printPromoted(con, r, list)
	}
	if err != nil {
		return err
	}
	return told
}

// mentionsOf are the places that stay behind, each once: services of one commit share them.
func mentionsOf(list []deploy.Promoted) []bump.Mention {
	var all []bump.Mention
	for _, p := range list {
		if p.Outcome == nil || p.Outcome.Result == nil {
			continue
		}
		for _, m := range p.Outcome.Mentions {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all
}

func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// printPromoted prints a line a service.
func printPromoted(con *console.Console, r promoteResult, list []deploy.Promoted) {
	shown := map[string]bool{}
	for i, s := range r.Services {
		if s.Result == deploy.Planned {
			for _, f := range list[i].Outcome.Files {
				if !shown[f.Path] { // services of one commit share it
					shown[f.Path] = true
					con.Diff(unified(f))
				}
			}
		}
	}
	for _, s := range r.Services {
		switch old := strings.Join(s.OldTags, ", "); s.Result {
		case deploy.Changed:
			con.Printf("%s: changed: %s → %s in %s, by commit %s on %s\n", s.Service, old, s.Tag, r.To, s.Commit, s.Branch)
		case deploy.Planned:
			con.Printf("%s: to change: %s → %s in %s, on %s; nothing was pushed\n", s.Service, old, s.Tag, r.To, s.Branch)
		case deploy.Superseded:
			con.Printf("%s: superseded: %s runs something newer than %s\n", s.Service, r.To, s.Tag)
		case deploy.Unchanged:
			con.Printf("%s: unchanged: %s runs %s already\n", s.Service, r.To, s.Tag)
		case deploy.Failed:
			con.Printf("%s: not promoted\n", s.Service)
		case deploy.Held:
			con.Printf("%s: held: it stays on %s in %s\n", s.Service, old, r.To)
		case deploy.Proposed:
			con.Printf("%s: proposed: %s → %s in %s, by %s\n", s.Service, old, s.Tag, r.To, s.Pull)
		}
	}
	if len(r.Services) == 0 && len(r.Problems) == 0 {
		con.Printf("unchanged: no service runs in both %s and %s\n", r.From, r.To)
	}
}

// summaryOfPromoted is the result as Markdown: a table.
func summaryOfPromoted(r promoteResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### tagbump: promote %s to %s\n\n", markdown(r.From), markdown(r.To))
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "- **%s**: %s\n", markdown(placed(p)), markdown(p.Hint))
	}
	if len(r.Services) > 0 {
		b.WriteString("\n| service | tag | result | before | commit or pull request |\n|---|---|---|---|---|\n")
	}
	for _, s := range r.Services {
		fmt.Fprintf(&b, "| %s | `%s` | %s | `%s` | %s |\n", markdown(s.Service), s.Tag, s.Result, strings.Join(s.OldTags, " "), cmp.Or(s.Pull, s.Commit))
	}
	return b.String() + "\n"
}
