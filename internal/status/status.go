// Package status reports what runs where, and what is behind: every service in every
// environment, read from the files of a k8s repo.
//
// One pass reads all manifests. Where they come from the tip of a branch, its
// history shows since when a tag runs; where a service's commits are known, they
// show how far an environment is behind the one before it.
package status

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"k8srepo/internal/hold"
	"k8srepo/internal/repo"
)

// Version is that of Report as JSON. It grows when a field changes its meaning or
// goes; new fields may come at any time.
const Version = 1

// Report is services × environments. The same input makes the same report: the
// only times in it are those of commits.
type Report struct {
	Version      int           `json:"version"`
	Repository   string        `json:"repository,omitempty"` // the k8s repo's URL
	Branch       string        `json:"branch,omitempty"`
	Commit       string        `json:"commit,omitempty"` // that was read
	Date         *time.Time    `json:"date,omitempty"`   // of that commit
	Environments []Environment `json:"environments"`     // in the order that tags go through them
	Services     []Service     `json:"services"`         // what is furthest behind comes first
	Notices      []string      `json:"notices"`
}

// Environment is a column.
type Environment struct {
	Name     string `json:"name"`
	Before   string `json:"before,omitempty"`   // the environment that a tag runs in before this one
	Strategy string `json:"strategy,omitempty"` // push or pull-request; "" where nothing says so
	Personal bool   `json:"personal"`           // all of its images are below users/
}

// Service is a row.
type Service struct {
	Name         string `json:"name"`
	Repository   string `json:"repository,omitempty"` // that it is built from
	Behind       int    `json:"behind"`               // commits, in the environment that is furthest behind
	Differs      int    `json:"differs"`              // environments that differ by an unknown number of commits
	Environments []Cell `json:"environments"`         // one for each of the report's, in the same order
}

// Cell is one service in one environment.
type Cell struct {
	Environment string `json:"environment"`
	// Tag runs there, or a digest; "" where the service does not run, or runs
	// several, or only in personal environments.
	Tag    string     `json:"tag"`
	Tags   []TagCount `json:"tags"`             // that run there, users' left aside; the most common first
	Users  *Spread    `json:"users,omitempty"`  // what runs below users/; absent where nothing does
	Since  *time.Time `json:"since,omitempty"`  // when the commit was made that brought tag; absent where that is not known
	Commit string     `json:"commit,omitempty"` // that commit
	Before *time.Time `json:"before,omitempty"` // tag came on this date or before: the history was read no further

	Relation string `json:"relation,omitempty"` // to the environment before it: see the constants
	To       string `json:"to,omitempty"`       // which one that is
	Behind   int    `json:"behind"`             // commits that run there and not here
	Ahead    int    `json:"ahead"`              // commits that run here and not there

	Held *Held `json:"held,omitempty"` // why the service is kept where it is; absent where it is not

	PullRequests []PullRequest `json:"pull_requests"` // open ones, for this service and environment
}

// What a Cell is to the one before it.
const (
	Same     = "same"
	Behind   = "behind"
	Ahead    = "ahead"
	Diverged = "diverged" // behind and ahead
	Differs  = "differs"  // by an unknown number of commits, or several tags run
)

// TagCount is how many images run a tag.
type TagCount struct {
	Tag   string `json:"tag"`
	Count int    `json:"count"`
}

// Spread is what the users of an environment run.
type Spread struct {
	Tag string `json:"tag"` // the most common
	On  int    `json:"on"`  // how many images run it
	Of  int    `json:"of"`  // of how many
}

// Held is why and since when a service is kept where it is.
type Held struct {
	Tag    string `json:"tag,omitempty"`
	From   string `json:"from,omitempty"` // what it was rolled back from
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
	Date   string `json:"date,omitempty"`
}

// PullRequest is a proposed deployment.
type PullRequest struct {
	Environment string `json:"-"`
	Service     string `json:"-"`
	Number      int    `json:"number"`
	URL         string `json:"url"`
	Tag         string `json:"tag,omitempty"`
	Draft       bool   `json:"draft"`
}

// Options say what a report has beside what is in the files, and from where.
type Options struct {
	Repository string // the k8s repo's URL, for the reader
	// Path is the folder of each environment's manifests, where its file does not set
	// it; {env} stands for the environment's name. "" is {env}/manifests.
	Path string
	// History is how many commits are read at most to find since when a tag runs;
	// 0 is none.
	History int
	// Compare counts the commits that head has and base has not (ahead), and the other
	// way round (behind). Not ok means that they are not known. It is called by several
	// goroutines. Where it is nil, no commits are counted.
	Compare func(ctx context.Context, repository, base, head string) (ahead, behind int, ok bool, err error)
	// PullRequests lists the open ones; nil where there are none to list.
	PullRequests func(ctx context.Context) ([]PullRequest, error)
}

// OfFolder reports on the files of a folder.
func OfFolder(ctx context.Context, fsys fs.FS, o Options) (*Report, error) {
	return report(ctx, fsys, nil, nil, o)
}

// Store is where a commit's history is read from.
type Store interface {
	// Fetch brings files of several commits at once.
	Fetch(ctx context.Context, parts ...repo.Part) error
	// Log returns the newest part of a commit's log.
	Log(ctx context.Context, c *repo.Commit, depth int, paths ...string) (*repo.Window, error)
}

// OfTip reports on the tip of a branch of a store.
func OfTip(ctx context.Context, store Store, tip *repo.Commit, o Options) (*Report, error) {
	if err := fetch(ctx, tip, o.Path); err != nil {
		return nil, err
	}
	return report(ctx, tip.FS(ctx), store, tip, o)
}

func report(ctx context.Context, fsys fs.FS, store Store, tip *repo.Commit, o Options) (*Report, error) {
	r := &Report{Version: Version, Repository: o.Repository, Environments: []Environment{}, Services: []Service{}, Notices: []string{}}
	if tip != nil {
		date := tip.Committer.When.UTC()
		r.Branch, r.Commit, r.Date = tip.Branch, tip.Hash, &date
	}
	files, err := read(ctx, fsys, o.Path)
	if err != nil {
		return nil, err
	}
	r.Notices = append(r.Notices, files.notices...)
	r.Environments = files.environments(r.Branch, &r.Notices)
	files.fill(r)
	if err := r.holds(fsys); err != nil {
		return nil, err
	}
	if tip != nil && o.History > 0 {
		if err := since(ctx, store, tip, r, files, o.History); err != nil {
			return nil, err
		}
	}
	if err := behind(ctx, r, o); err != nil {
		return nil, err
	}
	if o.PullRequests != nil {
		r.propose(ctx, o)
	}
	r.sort()
	return r, nil
}

// comparison is two tags of a service whose commits are to be counted; counted is the
// answer.
type comparison struct{ repository, base, head string }

type counted struct {
	ahead, behind int
	ok            bool
	err           error
}

// behind sets how each cell compares with the one before it.
func behind(ctx context.Context, r *Report, o Options) error {
	cells := relate(r, o.Compare != nil)
	answers, err := countAll(ctx, cells, o)
	if err != nil {
		return err
	}
	var failed []string
	for cell, q := range cells {
		a := answers[q]
		cell.count(a)
		if a.err != nil {
			failed = append(failed, a.err.Error())
		}
	}
	slices.Sort(failed)
	if failed = slices.Compact(failed); len(failed) > 0 {
		text := "not all commits could be counted: " + failed[0]
		if more := len(failed) - 1; more > 0 {
			text += fmt.Sprintf(", and %d more such errors", more)
		}
		r.Notices = append(r.Notices, text)
	}
	for s := range r.Services {
		service := &r.Services[s]
		for _, cell := range service.Environments {
			service.Behind = max(service.Behind, cell.Behind)
			if cell.Relation == Differs {
				service.Differs++
			}
		}
	}
	return nil
}

// relate sets whether each cell is the same as the one before it, and returns those
// that are not, with the commits to count; none unless they are to be counted.
func relate(r *Report, compare bool) map[*Cell]comparison {
	cells := map[*Cell]comparison{}
	index := map[string]int{}
	for i, e := range r.Environments {
		index[e.Name] = i
	}
	for s := range r.Services {
		service := &r.Services[s]
		for c := range service.Environments {
			cell := &service.Environments[c]
			prev := before(r, service, index, c)
			if prev == nil || len(cell.Tags) == 0 {
				continue
			}
			cell.To = prev.Environment
			if cell.Relation = Differs; cell.Tag != "" && cell.Tag == prev.Tag {
				cell.Relation = Same
			} else if compare && cell.Tag != "" && prev.Tag != "" {
				cells[cell] = comparison{service.Repository, cell.Tag, prev.Tag}
			}
		}
	}
	return cells
}

// countAll has each comparison made once, some at a time.
func countAll(ctx context.Context, cells map[*Cell]comparison, o Options) (map[comparison]*counted, error) {
	answers := map[comparison]*counted{}
	for _, q := range cells {
		answers[q] = &counted{}
	}
	const workers = 8
	next := make(chan comparison, len(answers))
	for q := range answers {
		next <- q
	}
	close(next)
	var all sync.WaitGroup
	for range min(workers, len(answers)) {
		all.Go(func() {
			for q := range next {
				a := answers[q]
				a.ahead, a.behind, a.ok, a.err = o.Compare(ctx, q.repository, q.base, q.head)
			}
		})
	}
	all.Wait()
	return answers, ctx.Err()
}

// count sets how many commits a cell is behind and ahead. The answer's ahead is the
// cell's behind: the commits that only the environment before it has.
func (c *Cell) count(a *counted) {
	switch {
	case a.err != nil, !a.ok:
	case a.ahead > 0 && a.behind > 0:
		c.Relation, c.Behind, c.Ahead = Diverged, a.ahead, a.behind
	case a.ahead > 0:
		c.Relation, c.Behind = Behind, a.ahead
	case a.behind > 0:
		c.Relation, c.Ahead = Ahead, a.behind
	default:
		c.Relation = Same // two tags of one commit
	}
}

// before returns the nearest environment before a cell's in which the service runs; nil
// where there is none.
func before(r *Report, s *Service, index map[string]int, c int) *Cell {
	for seen := 0; seen <= len(r.Environments); seen++ {
		i, ok := index[r.Environments[c].Before]
		if !ok {
			return nil
		}
		if c = i; len(s.Environments[c].Tags) > 0 {
			return &s.Environments[c]
		}
	}
	return nil
}

// holds adds which services are held.
func (r *Report) holds(fsys fs.FS) error {
	for c, env := range r.Environments {
		held, err := hold.All(fsys, env.Name)
		if err != nil {
			return err
		}
		for _, h := range held {
			for s := range r.Services {
				if r.Services[s].Name == h.Service {
					r.Services[s].Environments[c].Held = &Held{h.Tag, h.From, h.Reason, h.By, h.Date}
				}
			}
		}
	}
	return nil
}

// propose adds the open pull requests. Where they cannot be listed, that is a notice.
func (r *Report) propose(ctx context.Context, o Options) {
	open, err := o.PullRequests(ctx)
	if err != nil {
		r.Notices = append(r.Notices, "open pull requests are left out: "+err.Error())
		return
	}
	slices.SortFunc(open, func(a, b PullRequest) int { return cmp.Compare(a.Number, b.Number) })
	for _, p := range open {
		for s := range r.Services {
			for c := range r.Services[s].Environments {
				if cell := &r.Services[s].Environments[c]; r.Services[s].Name == p.Service && cell.Environment == p.Environment {
					cell.PullRequests = append(cell.PullRequests, p)
				}
			}
		}
	}
}

// sort puts the services first that are furthest behind: by commits, then by the number of
// environments that differ, then by name.
func (r *Report) sort() {
	slices.SortStableFunc(r.Services, func(a, b Service) int {
		return cmp.Or(-cmp.Compare(a.Behind, b.Behind), -cmp.Compare(a.Differs, b.Differs), strings.Compare(a.Name, b.Name))
	})
}
