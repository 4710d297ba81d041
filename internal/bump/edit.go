package bump

import (
	"errors"
	"runtime"
	"slices"
	"sync"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Result is what an edit changes, and what it found.
type Result struct {
	Files    []FileChange  // that change, sorted by path
	Images   []ImageChange // all that were found, sorted by path and place
	Mentions []Mention     // places that name a target and were left as they are, sorted by path and place
	// Unreached are the fields that lead to no value in any of the files.
	Unreached []manifest.Path
}

// FileChange is a file before and after. What Edit returns has both.
type FileChange struct {
	Path     string
	Old, New []byte // nil where there is no such file
}

// ImageChange is an image that was found, before and after.
type ImageChange struct {
	Place     problem.Place
	Container string // its place in the file, such as "Deployment default/api containers[api]"
	Old, New  image.Ref
}

// Changed reports whether the image changes.
func (c ImageChange) Changed() bool { return c.Old.String() != c.New.String() }

// Changed reports whether anything changes.
func (r *Result) Changed() bool { return len(r.Files) > 0 }

// OldTags returns the tags and digests that ran before, in the order they were found in,
// each once: those of the images that change, or of all where none does.
func (r *Result) OldTags() []string {
	moves := slices.ContainsFunc(r.Images, ImageChange.Changed)
	var tags []string
	seen := map[string]bool{}
	for _, i := range r.Images {
		if tag := i.Old.TagOrDigest(); !seen[tag] && (i.Changed() || !moves) {
			seen[tag] = true
			tags = append(tags, tag)
		}
	}
	return tags
}

// ErrNoMatch means that what was asked for is not what the files hold: a target is
// in none, the images are not as many as expected, or a field leads nowhere.
// Request.NoMatch explains it.
var ErrNoMatch = errors.New("no such image")

// Edit makes the edit, in memory: files in, changes out. All of it is planned, or
// nothing: an image that is not found, a file that cannot be parsed and mentions
// one, or an edit that cannot be proved is a refusal, and every such problem is
// in the error. Files that the request does not cover, or that it leaves out, are
// not touched.
func Edit(r *Request, files []File) (*Result, error) {
	files = SortFiles(files)
	result, problems := &Result{}, problem.List{}
	reached := make([]bool, len(r.Fields))
	proofs := &manifest.Proofs{}
	for i, d := range forEach(files, func(file File) fileResult { return r.editFile(file, proofs) }) {
		problems.Add(d.err)
		result.Images = append(result.Images, d.images...)
		result.Mentions = append(result.Mentions, d.mentions...)
		if d.data != nil {
			result.Files = append(result.Files, FileChange{files[i].Path, files[i].Data, d.data})
		}
		for f, is := range d.reached {
			reached[f] = reached[f] || is
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for f, is := range reached {
		if !is {
			result.Unreached = append(result.Unreached, r.Fields[f])
		}
	}
	missing := slices.ContainsFunc(r.Targets, func(t Target) bool { return !result.has(r, t) })
	if missing || len(result.Unreached) > 0 || r.Expect > 0 && len(result.Images) != r.Expect {
		return result, ErrNoMatch
	}
	return result, nil
}

// has reports whether an image of a target was found.
func (r *Result) has(request *Request, t Target) bool {
	return slices.ContainsFunc(r.Images, func(i ImageChange) bool {
		return request.Target(i.Old).Repository.Repository() == t.Repository.Repository()
	})
}

// forEach calls do with each file, on all processors, and returns the results in
// the order of the files.
func forEach[T any](files []File, do func(File) T) []T {
	done := make([]T, len(files))
	next := make(chan int, len(files))
	for i := range files {
		next <- i
	}
	close(next)
	work := func() {
		for i := range next {
			done[i] = do(files[i])
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return done
}

// fileResult is what became of one file.
type fileResult struct {
	images   []ImageChange
	mentions []Mention
	data     []byte // nil where nothing changes
	reached  []bool // by field
	err      error
}

func (r *Request) editFile(file File, proofs *manifest.Proofs) fileResult {
	if !r.Covers(file.Path) || !r.Narrowing.Matches(r.relative(file.Path)) {
		return fileResult{}
	}
	f, found, err := r.parse(file, manifest.Scan)
	if f == nil || err != nil {
		return fileResult{err: err}
	}
	f.Proofs = proofs
	result := r.editImages(file, f, found)
	if result.err == nil || !f.Scanned() {
		return result
	}
	// What the scan led to is refused: only the parser's word counts.
	if f, found, err = r.parse(file, manifest.Parse); f == nil || err != nil {
		return fileResult{err: err}
	}
	return r.editImages(file, f, found)
}

// editImages edits a file that was read.
func (r *Request) editImages(file File, f *manifest.File, found *manifest.Found) fileResult {
	for _, half := range found.Halves {
		if r.Target(half.Ref) != nil {
			return fileResult{err: refusal(f, half.Place, "name the map that holds both, or leave --field out: the image is found without it",
				"--field %s leads to one of the two values of the image %s", half.Path, half.Ref)}
		}
	}
	result := fileResult{reached: found.Reached, mentions: r.mentionsIn(f, found)}
	var chosen []manifest.Image
	for _, i := range found.Images {
		if r.wants(i) {
			chosen = append(chosen, i)
			result.images = append(result.images, ImageChange{i.Place, i.Where, i.Ref, i.Becomes(r.next(i.Ref))})
		}
	}
	if chosen == nil {
		return result
	}
	data, err := f.SetImages(chosen, r.next)
	if err != nil {
		return fileResult{err: err}
	}
	if string(data) == string(file.Data) {
		return result
	}
	if place, sealed := f.Sealed(); sealed {
		return fileResult{err: refusal(f, place, "edit it with sops set, which makes the code anew; or encrypt the file with mac_only_encrypted: true, so that the code covers encrypted values only",
			"the SOPS MAC of this file covers the image's tag, so a change would make the file unreadable")}
	}
	result.data = data
	return result
}

// refusal returns a problem at a place of a file, with its line.
func refusal(f *manifest.File, place problem.Place, hint, format string, args ...any) error {
	p := problem.At(place, hint, format, args...)
	p.Source, p.Refused = f.Line(place.Line), true
	return p
}
