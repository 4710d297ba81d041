package deploy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/problem"
)

// The statuses of an Outcome.
const (
	Changed    = "changed"    // a commit of this run is on the branch
	Unchanged  = "unchanged"  // the branch had the change before
	Superseded = "superseded" // something newer runs: nothing was done
	Proposed   = "proposed"   // a pull request waits for people
	Planned    = "planned"    // a dry run would have changed it
	Held       = "held"       // the service is held where it is: see Hold
	Failed     = "failed"     // an error says why
)

// What became of a pull request: an Outcome's Pull.
const (
	Created   = "created"
	Updated   = "updated"
	Untouched = "untouched" // it is what it should be already
	Declined  = "declined"  // a person closed it for this tag, or changed its branch
)

// ErrHeld is the kind of a refusal to move a service that is held.
var ErrHeld = errors.New("the service is held")

// Outcome is what a run came to.
type Outcome struct {
	*bump.Result
	Status      string
	Branch      string
	Commit      string             // the hash, where Status is Changed or Proposed
	PullRequest string             // its URL, where one is concerned
	Pull        string             // what became of it; "" where none is concerned
	NewTag      string             // or digest
	PullBranch  string             // that a dry run would propose it on; "" where it would push
	Note        string             // why there is nothing to do, where the tag does not say it
	Superseded  []bump.ImageChange // images that run something newer, and stay
	Notices     []string

	past []string // rules of the policy that the push goes past

	Attempts int
	Waited   time.Duration // between the attempts
}

// contents returns the files of a plan as they are to be; nil removes one.
func (o *Outcome) contents() map[string][]byte {
	contents := make(map[string][]byte, len(o.Files))
	for _, f := range o.Files {
		contents[f.Path] = f.New
	}
	return contents
}

// put adds a file to a plan. One that is as it should be already is left out.
func (o *Outcome) put(path string, old, new []byte) {
	if (old == nil) == (new == nil) && string(old) == string(new) {
		return
	}
	o.Files = append(o.Files, bump.FileChange{Path: path, Old: old, New: new})
}

func (o *Outcome) notice(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(o.Notices, text) {
		o.Notices = append(o.Notices, text)
	}
}

// settle sets the status of a plan by what it changes.
func (o *Outcome) settle(dryRun bool) {
	switch {
	case len(o.Files) > 0 && dryRun:
		o.Status = Planned
	case len(o.Files) > 0:
		o.Status = Changed
	case len(o.Superseded) > 0:
		o.Status = Superseded
	default:
		o.Status = Unchanged
	}
}

// refuseAs returns a refusal of a kind.
func refuseAs(kind error, p *problem.Problem) error {
	return &problem.Fault{Problem: p, Kind: kind}
}
