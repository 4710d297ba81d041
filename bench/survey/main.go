// Survey tries tagbump's editing on checkouts of repositories that others wrote: one image
// after the other, each is given another tag in memory, in every file of the checkout.
//
//	go run ./bench/survey FOLDER…
//
// A second YAML parser, and a walk that knows nothing of tagbump's, reads the files before
// and after. It counts the references to images in Kubernetes objects, Helm releases, values
// files and kustomizations; how many of them have the new tag; and it fails where anything
// else has changed. Nothing is written.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"k8srepo/internal/bump"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

func main() {
	flags := flag.NewFlagSet("survey", flag.ExitOnError)
	misses := flags.Bool("misses", false, "list each reference that is not found, and each refusal")
	_ = flags.Parse(os.Args[1:])
	if flags.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: survey [-misses] FOLDER…")
		os.Exit(2)
	}
	if err := run(flags.Args(), *misses); err != nil {
		fmt.Fprintln(os.Stderr, "survey:", err)
		os.Exit(1)
	}
}

// run surveys each folder, and prints a table.
func run(folders []string, misses bool) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "\tfiles\timages\twith --skip\treferences\tfound\t%\trefused\tmissed\twrong\t")
	var total counts
	for _, folder := range folders {
		c, err := survey(folder, misses)
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		c.print(out, filepath.Base(folder))
		total.add(c)
	}
	total.print(out, "all")
	if err := out.Flush(); err != nil {
		return err
	}
	if total.wrong > 0 {
		return fmt.Errorf("%d edits changed something else", total.wrong)
	}
	return nil
}

// counts are what was counted in a repository.
type counts struct {
	files, images     int
	references, found int
	skips             int // images whose edit was repeated without files that cannot be read
	refused           int // references in edits or files that were refused with a reason, or listed as left
	missed            int // references that kept their tag without a word
	wrong             int // edits that changed anything but tags and digests
}

func (c *counts) add(o counts) {
	c.files += o.files
	c.images += o.images
	c.references += o.references
	c.found += o.found
	c.skips += o.skips
	c.refused += o.refused
	c.missed += o.missed
	c.wrong += o.wrong
}

func (c *counts) print(out *tabwriter.Writer, name string) {
	percent := 100.0
	if c.references > 0 {
		percent = 100 * float64(c.found) / float64(c.references)
	}
	fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\t%d\t%.1f\t%d\t%d\t%d\t\n", name, c.files, c.images, c.skips, c.references, c.found, percent, c.refused, c.missed, c.wrong)
}

// newTag is what each image is given.
const newTag = "survey-1a2b3c4"

// survey gives each image of a folder another tag.
func survey(folder string, misses bool) (counts, error) {
	files, err := readAll(folder)
	if err != nil {
		return counts{}, err
	}
	c := counts{files: len(files)}
	byImage := map[string][]reference{}
	for _, f := range files {
		for _, r := range references(f.Path, f.Data) {
			byImage[r.repository] = append(byImage[r.repository], r)
		}
	}
	var images []string
	for image := range byImage {
		images = append(images, image)
	}
	slices.Sort(images)
	c.images = len(images)
	for _, image := range images {
		c.add(surveyImage(folder, files, image, byImage[image], misses))
	}
	return c, nil
}

// surveyImage gives one image another tag.
func surveyImage(folder string, files []bump.File, image string, refs []reference, misses bool) counts {
	c := counts{references: len(refs)}
	say := func(format string, args ...any) {
		if misses {
			fmt.Printf("%s: %s: %s\n", filepath.Base(folder), image, fmt.Sprintf(format, args...))
		}
	}
	target, err := bump.ParseTarget(image, nil)
	if err != nil {
		c.refused += len(refs)
		say("%v", err)
		return c
	}
	r := &bump.Request{Query: bump.Query{Env: "all", Root: ".", Targets: []bump.Target{target}}, Tag: newTag}
	screened := slices.DeleteFunc(slices.Clone(files), func(f bump.File) bool { return !r.Mentions(f.Data) })
	result, err := bump.Edit(r, screened)
	skipped := unreadable(err, screened)
	if len(skipped) > 0 {
		say("%d files cannot be read, and are left out: %s", len(skipped), strings.Join(skipped, " "))
		c.skips++
		r.Skip = skipped
		result, err = bump.Edit(r, screened)
	}
	if errors.Is(err, bump.ErrNoMatch) {
		err = r.NoMatch(result, screened, func(*bump.Query) []bump.File { return files })
	}
	if err != nil {
		c.refused += len(refs)
		say("refused, %d references: %v", len(refs), err)
		return c
	}
	after := map[string][]byte{}
	for _, f := range result.Files {
		after[f.Path] = f.New
		if wrong := onlyTags(f.Old, f.New); wrong != "" {
			c.wrong++
			fmt.Printf("%s: %s: %s: WRONG: %s\n", filepath.Base(folder), image, f.Path, wrong)
		}
	}
	mentioned := map[string]bool{}
	for _, m := range result.Mentions {
		mentioned[m.Place.File] = true
	}
	moved := map[string]bool{} // file and path
	for file, data := range after {
		for _, r := range references(file, data) {
			if r.repository == image && r.tag == newTag {
				moved[r.file+"\x00"+r.path] = true
			}
		}
	}
	for _, r := range refs {
		switch {
		case moved[r.file+"\x00"+r.path]:
			c.found++
		case mentioned[r.file]:
			c.refused++
			say("left and listed: %s: %s", r.file, r.path)
		case slices.Contains(skipped, "**/"+r.file):
			c.refused++
			say("in a file that cannot be read: %s: %s", r.file, r.path)
		default:
			c.missed++
			say("missed: %s: %s", r.file, r.path)
		}
	}
	return c
}

// unreadable returns patterns, for --skip, of the files that an edit was refused for because
// they cannot be read.
func unreadable(err error, files []bump.File) []string {
	var patterns []string
	for _, p := range problem.All(err) {
		i := slices.IndexFunc(files, func(f bump.File) bool { return f.Path == p.Place.File })
		if i < 0 {
			continue
		}
		f, err := manifest.Parse(files[i].Path, files[i].Data)
		if err == nil {
			err = f.DuplicateKeys()
		}
		if err != nil {
			patterns = append(patterns, "**/"+files[i].Path)
		}
	}
	return patterns
}

// readAll reads the files that tagbump looks at, as set --path . does.
func readAll(folder string) ([]bump.File, error) {
	q := bump.Query{Env: "all", Root: "."}
	var files []bump.File
	root := os.DirFS(folder)
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !q.Covers(name) {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err == nil && len(data) < 10<<20 {
			files = append(files, bump.File{Path: name, Data: data})
		}
		return err
	})
	return files, err
}

// onlyTags returns what an edit changed in a file besides tags and digests, "" where nothing. It
// compares the lines, and what the second parser reads.
func onlyTags(old, next []byte) string {
	a, b := bytes.SplitAfter(old, []byte("\n")), bytes.SplitAfter(next, []byte("\n"))
	at := 0
	for _, line := range b {
		switch {
		case at < len(a) && bytes.Equal(a[at], line):
			at++
		case at < len(a) && onlyTag(string(a[at]), string(line)):
			at++
		case strings.TrimSpace(string(line)) == "newTag: "+newTag:
		default:
			return fmt.Sprintf("the line %q", line)
		}
	}
	if at != len(a) {
		return "lines are gone"
	}
	before, after := leaves(old), leaves(next)
	for path, value := range before {
		now, still := after[path]
		switch {
		case !still:
			return "gone is " + path
		case now == value, now == newTag, now == "" && isDigest(value):
		case strings.HasSuffix(now, ":"+newTag) && strings.HasPrefix(value, strings.TrimSuffix(now, ":"+newTag)):
		default:
			return fmt.Sprintf("%s was %q and is %q", path, value, now)
		}
	}
	for path := range after {
		if _, was := before[path]; !was && !strings.HasSuffix(path, ".newTag") {
			return "added is " + path
		}
	}
	return ""
}

// onlyTag reports whether what differs in a line is a tag, a digest that is emptied, or both.
func onlyTag(old, next string) bool {
	head := 0
	for head < len(old) && head < len(next) && old[head] == next[head] {
		head++
	}
	tail := 0
	for tail < len(old)-head && tail < len(next)-head && old[len(old)-1-tail] == next[len(next)-1-tail] {
		tail++
	}
	gone, come := old[head:len(old)-tail], next[head:len(next)-tail]
	const inTag = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:@~\"' "
	return strings.Trim(gone, inTag) == "" && strings.Trim(come, inTag) == "" && !strings.Contains(strings.Trim(gone, " "), ": ")
}

func isDigest(s string) bool {
	return strings.Trim(strings.TrimPrefix(s, "sha256:"), "0123456789abcdef") == "" && len(s) >= 64
}
