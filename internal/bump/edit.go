package bump

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Result is what a bump came to.
type Result struct {
	Files  []FileChange  // that change, sorted by path
	Images []ImageChange // all that were found, sorted by path and place
}

// FileChange is a file before and after.
type FileChange struct {
	Path     string
	Old, New []byte
}

// ImageChange is an image that was found, before and after.
type ImageChange struct {
	Place     problem.Place
	Container string
	Old, New  image.Ref
}

// Changed tells whether the image changes.
func (c ImageChange) Changed() bool { return c.Old.String() != c.New.String() }

// Changed tells whether anything changes.
func (r *Result) Changed() bool { return len(r.Files) > 0 }

// OldTags are the tags and digests that were running, in the order they were
// found in, each once.
func (r *Result) OldTags() []string {
	var tags []string
	seen := map[string]bool{}
	for _, i := range r.Images {
		if tag := i.Old.TagOrDigest(); !seen[tag] {
			seen[tag] = true
			tags = append(tags, tag)
		}
	}
	return tags
}

// Bump makes the edit, in memory: files in, changes out. All of it is planned, or
// nothing: an image that is not found, a file that cannot be parsed and mentions
// one, or an edit that cannot be proved is a refusal, and every such problem is
// in the error.
func Edit(r *Request, files []File) (*Result, error) {
	files = SortFiles(files)
	done := make([]FileResult, len(files))
	next := make(chan int, len(files))
	for i := range files {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				done[i] = r.EditFile(files[i])
			}
		})
	}
	workers.Wait()

	result, problems := &Result{}, problem.List{}
	for i, d := range done {
		problems.Add(d.Err)
		result.Images = append(result.Images, d.Images...)
		if d.Data != nil {
			result.Files = append(result.Files, FileChange{files[i].Path, files[i].Data, d.Data})
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if n := len(result.Images); r.Expect > 0 && n != r.Expect {
		p := problem.Refuse("", "found %d of the image, expected %d", n, r.Expect)
		for _, i := range result.Images {
			p.Hint += fmt.Sprintf("\n  %s: %s (%s)", i.Place, i.Old, i.Container)
		}
		if p.Hint != "" {
			p.Hint = "found are" + p.Hint
		}
		return result, p
	}
	for _, t := range r.Targets {
		if !result.has(r, t) {
			return result, ErrNoMatch
		}
	}
	return result, nil
}

// ErrNoMatch means that a target was found in no file. Request.NoMatch tells
// people what is there instead.
var ErrNoMatch = errors.New("no such image")

func (result *Result) has(r *Request, t Target) bool {
	for _, i := range result.Images {
		if r.Target(i.Old).Repository == t.Repository {
			return true
		}
	}
	return false
}

// FileResult is what became of one file.
type FileResult struct {
	Images []ImageChange
	Data   []byte // nil where nothing changes
	Err    error
}

func (r *Request) EditFile(file File) FileResult {
	f, err := manifest.Parse(file.Path, file.Data)
	if err != nil {
		if !r.mightRun(file.Data) {
			return FileResult{}
		}
		p := *problem.All(err)[0]
		p.Hint = "the file mentions the image, so it is not passed over: mend it, or move it out of " + r.Dir()
		p.Refused = true
		return FileResult{Err: &p}
	}
	var chosen []manifest.Image
	var result FileResult
	for _, i := range f.Images(r.Fields...) {
		if r.Target(i.Ref) != nil {
			chosen = append(chosen, i)
			result.Images = append(result.Images, ImageChange{i.Place, i.Where, i.Ref, r.next(i.Ref)})
		}
	}
	if chosen == nil {
		return result
	}
	data, err := f.SetImages(chosen, r.next)
	if err != nil {
		return FileResult{Err: err}
	}
	if string(data) != string(file.Data) {
		result.Data = data
	}
	return result
}
