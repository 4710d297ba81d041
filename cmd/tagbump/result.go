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

// result is what a command that moves tags did, as --output json prints it: on success and
// on failure. Version grows when a key changes its meaning or goes; new keys may come at
// any time.
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
// With promote it has from, to and services too.
type result struct {
	Version int    `json:"version"`        // of this format
	From    string `json:"from,omitempty"` // with promote: the environment that is promoted from
	To      string `json:"to,omitempty"`   // with promote: the environment that is promoted to
	Result  string `json:"result"`         // changed, unchanged, superseded, held, proposed, planned (--dry-run) or failed
	DryRun  bool   `json:"dry_run"`        // with --dry-run: nothing was pushed or written
	Env     string `json:"environment"`    // the environment that was to be changed; several are joined by +
	moved
	Services []serviceResult   `json:"services,omitempty"` // with promote: what became of each; result is then the first of failed, changed, proposed, planned, superseded, held and unchanged that any of them has
	Diff     string            `json:"diff,omitempty"`     // with --dry-run: the change
	Problems []console.Problem `json:"problems"`           // all of them, those of the services too

	inFolder bool              // the change is of a folder on disk; no commit was made
	note     string            // deploy.Outcome.Note
	changes  []bump.FileChange // for the diff
}

// serviceResult is what became of one service of a promotion. Services of one commit
// share its files and images.
type serviceResult struct {
	Service string `json:"service"` // its name
	Tag     string `json:"tag"`     // the tag or digest that is promoted; "" where it is not known
	Result  string `json:"result"`  // as above
	moved
	Problems []console.Problem `json:"problems"`
}

// moved is which images were moved, and how: by a command, or of one service of a promotion.
type moved struct {
	Branch     string          `json:"branch,omitempty"`              // the branch that was read; absent where that failed
	Commit     string          `json:"commit,omitempty"`              // the commit that was pushed or proposed; space-separated where a promotion has several
	Pull       string          `json:"pull_request,omitempty"`        // the URL of the pull request; space-separated where a promotion has several
	Became     string          `json:"pull_request_result,omitempty"` // what became of it: created, updated, untouched or declined; space-separated, each once, where a promotion has several
	PullBranch string          `json:"pull_request_branch,omitempty"` // with --dry-run: the branch that it would be proposed on; space-separated where a promotion has several
	OldTags    []string        `json:"old_tags"`                      // the tags or digests that ran before, each once
	NewTag     string          `json:"new_tag"`                       // the tag or digest that is to run; comma-separated where a promotion has several
	Files      []string        `json:"files"`                         // the files that change
	Images     []imageResult   `json:"images"`                        // all images that were found; old equals new in those that stay
	Mentions   []mentionResult `json:"mentions"`                      // places that name the image with another tag, and are no images
	Superseded []imageResult   `json:"superseded"`                    // images that run something newer, with what they were to run
	Attempts   int             `json:"attempts"`                      // how often it was tried; 0 in a folder, and where it failed before the first attempt
	Waited     float64         `json:"waited_seconds"`                // how long it waited between attempts
	Notices    []string        `json:"notices"`                       // what is worth knowing, and no problem
}

type imageResult struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	Container string `json:"container"` // its name; "" where the image is not a container's
	Old       string `json:"old"`       // the reference that ran
	New       string `json:"new"`       // the reference that is to run

	next string // what is new in it, for people: the tag and digest, or all of it
}

// mentionResult is a place that names an image and was left as it is.
type mentionResult struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"` // the reference in it
	Why    string `json:"why"`  // why it is not edited

	shown string // the mention as a line of a notice
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

// add adds the outcome of a command, or of one service of a promotion.
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

// add adds an outcome to those that are there. Each commit, pull request and tag is named
// once.
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

// anyChanged reports whether anything was pushed or written, of any service of a promotion.
func (r *result) anyChanged() bool {
	return r.Result == deploy.Changed || slices.ContainsFunc(r.Services, func(s serviceResult) bool { return s.Result == deploy.Changed })
}

// joined returns a list in one text with the items of another, each once.
func joined(list, item, separator string) string {
	if list == "" || item == "" {
		return list + item
	}
	return strings.Join(union(strings.Split(list, separator), strings.Split(item, separator)), separator)
}

// union appends to a list what it does not have yet.
func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// unified returns a change as a diff.
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
