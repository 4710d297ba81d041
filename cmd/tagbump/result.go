package main

import (
	"cmp"
	"slices"
	"strings"

	"k8srepo/internal/bump"
	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// result is what a command that moves tags came to. It is what --output json prints, on
// success and on failure. Version grows when a field changes its meaning or goes; new
// fields may come at any time.
//
//	{
//	  "version": 1,
//	  "result": "changed",
//	  "dry_run": false,
//	  "environment": "dev",
//	  "branch": "main",
//	  "commit": "5d1c…",
//	  "old_tags": ["1f0c9ae"],
//	  "new_tag": "9f2c1ab",
//	  "files": ["dev/manifests/api/api-dev-deployment.yaml"],
//	  "images": [{"file": …, "line": 17, "column": 18, "container": "api", "old": "example.com/api:1f0c9ae", "new": "example.com/api:9f2c1ab"}],
//	  "mentions": [],
//	  "superseded": [],
//	  "attempts": 1,
//	  "waited_seconds": 0,
//	  "notices": [],
//	  "problems": []
//	}
//
// That of promote has from, to, and services too: what became of each.
type result struct {
	Version int    `json:"version"`
	From    string `json:"from,omitempty"` // of a promotion
	To      string `json:"to,omitempty"`   // of a promotion
	Result  string `json:"result"`         // changed, unchanged, superseded, held, proposed, planned (--dry-run) or failed
	DryRun  bool   `json:"dry_run"`        // nothing was pushed or written
	Env     string `json:"environment"`    // that was to be changed; several have + between them
	moved
	Services []serviceResult   `json:"services,omitempty"` // of a promotion; Result is the first that any has of failed, changed, proposed, planned, superseded, held and unchanged
	Diff     string            `json:"diff,omitempty"`     // with --dry-run
	Problems []console.Problem `json:"problems"`           // all of them, those of the services too

	inFolder bool // the change is in a folder, and no commit
	note     string
	changes  []bump.FileChange
}

// serviceResult is what became of one service of a promotion. Services of one commit
// share its files and images.
type serviceResult struct {
	Service string `json:"service"`
	Tag     string `json:"tag"`    // or digest, that is promoted; "" where it is not clear
	Result  string `json:"result"` // as above
	moved
	Problems []console.Problem `json:"problems"`
}

// moved is which images were moved, and how.
type moved struct {
	Branch     string          `json:"branch,omitempty"`              // none where it failed
	Commit     string          `json:"commit,omitempty"`              // where the result is changed or proposed
	Pull       string          `json:"pull_request,omitempty"`        // its URL
	Became     string          `json:"pull_request_result,omitempty"` // created, updated, untouched or declined
	PullBranch string          `json:"pull_request_branch,omitempty"` // with --dry-run: that it would be proposed on
	OldTags    []string        `json:"old_tags"`                      // tags or digests that ran before, each once
	NewTag     string          `json:"new_tag"`                       // or digest
	Files      []string        `json:"files"`                         // that change
	Images     []imageResult   `json:"images"`                        // all that were found; those that stay have old equal to new
	Mentions   []mentionResult `json:"mentions"`                      // of the image with another tag, in places that are no images
	Superseded []imageResult   `json:"superseded"`                    // those that run something newer, and what they were to be
	Attempts   int             `json:"attempts"`                      // 0 where it failed before the first, and in a folder
	Waited     float64         `json:"waited_seconds"`                // between attempts
	Notices    []string        `json:"notices"`                       // what is worth knowing, and no problem
}

type imageResult struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	Container string `json:"container"` // its name; "" where the image is not a container's
	Old       string `json:"old"`       // the reference that ran
	New       string `json:"new"`       // the reference that is to run

	next string // what is new in it, for people
}

// mentionResult is a place that names an image and was left as it is.
type mentionResult struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"` // the reference in it
	Why    string `json:"why"`  // it is not edited

	shown string // all of it, for people
}

// newResult returns the result of a command that has done nothing yet.
func newResult(env, newTag string) *result {
	r := &result{Version: 1, Result: deploy.Failed, Env: env, moved: newMoved(), Problems: []console.Problem{}}
	r.NewTag = newTag
	return r
}

func newMoved() moved {
	return moved{OldTags: []string{}, Files: []string{}, Images: []imageResult{}, Mentions: []mentionResult{}, Superseded: []imageResult{}, Notices: []string{}}
}

// add adds what one run came to.
func (r *result) add(o *deploy.Outcome) {
	r.moved.add(o)
	r.note = o.Note
	if o.Result != nil {
		r.changes = append(r.changes, o.Files...)
	}
}

// addEdit adds an edit of files in a folder.
func (r *result) addEdit(edit *bump.Result) {
	r.moved.addEdit(edit)
	r.changes = append(r.changes, edit.Files...)
}

// addPromoted adds what became of the services of a promotion, and sets the result of
// them all.
func (r *result) addPromoted(list []deploy.Promoted) {
	known := map[*deploy.Outcome]bool{} // services of one commit share it
	for _, p := range list {
		s := serviceResult{Service: p.Service, Tag: p.Tag, Result: deploy.Failed, moved: newMoved(), Problems: console.JSONProblems(p.Err)}
		s.NewTag = p.Tag
		if p.Outcome != nil {
			s.Result = p.Outcome.Status
			s.moved.add(p.Outcome)
			if !known[p.Outcome] {
				known[p.Outcome] = true
				r.add(p.Outcome)
			}
		}
		s.OldTags = union([]string{}, p.Old)
		r.Services = append(r.Services, s)
	}
	r.Result = deploy.Unchanged
	for _, one := range []string{deploy.Failed, deploy.Changed, deploy.Proposed, deploy.Planned, deploy.Superseded, deploy.Held} {
		if slices.ContainsFunc(r.Services, func(s serviceResult) bool { return s.Result == one }) {
			r.Result = one
			break
		}
	}
}

// add adds an outcome to others. Of several commits, pull requests and tags, each is
// named once.
func (m *moved) add(o *deploy.Outcome) {
	m.Branch = cmp.Or(m.Branch, o.Branch)
	m.Commit, m.Pull, m.Became = joined(m.Commit, o.Commit, " "), joined(m.Pull, o.PullRequest, " "), joined(m.Became, o.Pull, " ")
	m.PullBranch = joined(m.PullBranch, o.PullBranch, " ")
	m.NewTag = joined(m.NewTag, o.NewTag, ", ")
	m.Superseded = append(m.Superseded, imageResults(o.Superseded)...)
	m.Attempts += o.Attempts
	m.Waited += o.Waited.Seconds()
	m.Notices = union(m.Notices, o.Notices)
	if o.Result != nil {
		m.addEdit(o.Result)
	}
}

func (m *moved) addEdit(edit *bump.Result) {
	m.OldTags = union(m.OldTags, edit.OldTags())
	m.Images = append(m.Images, imageResults(edit.Images)...)
	known := map[mentionResult]bool{} // services of several commits may share them
	for _, one := range m.Mentions {
		known[one] = true
	}
	for _, mention := range edit.Mentions {
		one := mentionResult{mention.Place.File, mention.Place.Line, mention.Place.Col, mention.Text, mention.Why, mention.String()}
		if !known[one] {
			m.Mentions = append(m.Mentions, one)
		}
	}
	for _, f := range edit.Files {
		m.Files = append(m.Files, f.Path)
	}
}

func imageResults(images []bump.ImageChange) []imageResult {
	list := make([]imageResult, len(images))
	for n, i := range images {
		next := i.New.String()
		if i.New.Name == i.Old.Name {
			next = i.New.Suffix()
		}
		list[n] = imageResult{i.Place.File, i.Place.Line, i.Place.Col, i.Container, i.Old.String(), i.New.String(), next}
	}
	return list
}

// place returns where the image is.
func (i *imageResult) place() problem.Place {
	return problem.Place{File: i.File, Line: i.Line, Col: i.Column}
}

// anyChanged reports whether anything was pushed or written.
func (r *result) anyChanged() bool {
	return r.Result == deploy.Changed || slices.ContainsFunc(r.Services, func(s serviceResult) bool { return s.Result == deploy.Changed })
}

// joined returns a list in one text with another item, unless it has that.
func joined(list, item, separator string) string {
	if list == "" || item == "" {
		return list + item
	}
	return strings.Join(union(strings.Split(list, separator), strings.Split(item, separator)), separator)
}

func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func unified(f bump.FileChange) []byte {
	action := tree.Update
	switch {
	case f.Old == nil:
		action = tree.Create
	case f.New == nil:
		action = tree.Remove
	}
	return tree.Change{Action: action, Path: f.Path, Old: f.Old, New: f.New}.Unified()
}
