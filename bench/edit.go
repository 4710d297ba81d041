package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// editor runs the benchmarks of tagbump set.
type editor struct {
	rounds int
	dir    *folder
	builds []string // of tagbump; one that is "" is left out
	self   string
}

// benchEdit measures tagbump set against sed, and against reading the files.
func benchEdit(args []string) error {
	flags := flag.NewFlagSet("edit", flag.ExitOnError)
	rounds := flags.Int("rounds", 9, "measured rounds")
	all := flags.Bool("all", false, "measure the edit of all files alone")
	other := flags.String("other", "", "another `build` of tagbump, to compare with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, tagbump, done, err := scratch("tagbump")
	if err != nil {
		return err
	}
	defer done()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	e := &editor{*rounds, dir, []string{*other, tagbump}, self}
	if *all {
		return e.allImages(5000)
	}
	for _, services := range []int{5000 / 6, 50000 / 6} {
		if err := e.oneImage(services); err != nil {
			return err
		}
	}
	return firstError(e.oneFolder(), e.allImages(5000))
}

// oneImage moves the tag of one service's image, found among all files of an
// environment. The limit reads the same files.
func (e *editor) oneImage(services int) error {
	repo := e.dir.path(fmt.Sprintf("k8s-%d", services))
	files, err := writeRepo(repo, services, environments[:1])
	if err != nil {
		return err
	}
	image := registry + "/" + serviceName(services/2)
	manifests := repo + "/dev/manifests"
	reading := &contender{name: "limit: read all files", command: []string{e.self, "limit", manifests, image + ":"}}
	grep := &contender{name: "grep -rl | xargs sed -i", command: []string{"sh", "-c", "grep -rlF '" + image + ":' " + manifests + " | xargs " + sed(image, "5ed{round}")}}
	return e.compare(fmt.Sprintf("One image in %d files", files), append(e.set(repo, image, reading), grep)...)
}

// oneFolder moves the tag in a repo that has one service: what a shop does that
// names the folder itself.
func (e *editor) oneFolder() error {
	ours, theirs := e.dir.path("one"), e.dir.path("one-sed")
	for _, repo := range []string{ours, theirs} {
		if _, err := writeRepo(repo, 1, environments[:1]); err != nil {
			return err
		}
	}
	image := registry + "/" + serviceName(0)
	manifests := theirs + "/dev/manifests/" + serviceName(0)
	inPlace := &contender{name: "sed -i", command: []string{"sh", "-c", sed(image, "b{round}") + " " + manifests + "/*.yaml"}}
	return firstError(e.compare("One service's folder, 6 files", e.set(ours, image, inPlace)...), same(ours, theirs))
}

// allImages moves the tag of an image that every file has. Each run has files that nobody
// edited before: an edited file is a new inode, and ext4 searches past those that were freed
// a minute ago, so that a run would pay for the runs before it.
func (e *editor) allImages(files int) error {
	e.dir.spread()
	ours, theirs := e.dir.path("tagbump-{build}-{round}"), e.dir.path("sed-{round}")
	for round := range e.rounds + 1 {
		dirs := []string{theirs}
		for i, tagbump := range e.builds {
			if tagbump != "" {
				dirs = append(dirs, inBuild(ours, i))
			}
		}
		for _, dir := range dirs {
			if err := writeDeployments(inRound(dir, round), files); err != nil {
				return err
			}
		}
	}
	// tagbump waits until what it wrote is on the disk; it is not to wait for the files above.
	if out, err := exec.Command("sync").CombinedOutput(); err != nil {
		return fmt.Errorf("sync: %w\n%s", err, out)
	}
	find := findSed(theirs, "b{round}")
	return firstError(
		e.compare(fmt.Sprintf("An image in each of %d files", files), e.set(ours, proxy, find)...),
		same(inRound(inBuild(ours, len(e.builds)-1), e.rounds), inRound(theirs, e.rounds)))
}

// inBuild returns a path with the number of a build for the words {build}.
func inBuild(path string, build int) string {
	return strings.ReplaceAll(path, "{build}", fmt.Sprint(build))
}

// set returns the contenders with tagbump set, a new tag each round; that of this module
// is the last, so that its tag is what the files have in the end.
func (e *editor) set(repo, image string, contenders ...*contender) []*contender {
	for i, tagbump := range e.builds {
		if tagbump == "" {
			continue
		}
		name, tag := []string{"tagbump set, the other build", "tagbump set"}[i], []string{"a{round}", "b{round}"}[i]
		contenders = append(contenders, &contender{name: name, command: []string{tagbump, "set", "--root", inBuild(repo, i), "--env", "dev", "--image", image, "--tag", tag}})
	}
	return contenders
}

// findSed moves the tag of the image that every file of a repository has.
func findSed(repo, tag string) *contender {
	return &contender{name: "find -exec sed -i {} +", command: []string{"sh", "-c",
		"find " + repo + "/dev/manifests -name '*.yaml' -exec " + sed(proxy, tag) + " {} +"}}
}

// sed returns a sed that moves a tag.
func sed(image, tag string) string {
	return "sed -i -e 's@image: " + strings.ReplaceAll(image, ".", `\.`) + ":[A-Za-z0-9._-]*@image: " + image + ":" + tag + "@'"
}

// compare measures the contenders, and prints them with ratios to the first.
func (e *editor) compare(title string, contenders ...*contender) error {
	if err := measure(e.rounds, contenders...); err != nil {
		return err
	}
	fmt.Printf("\n%s\n", title)
	return table(os.Stdout, contenders, contenders[0])
}

// same checks that two folders hold the same: that both have done the job.
func same(a, b string) error {
	if out, err := exec.Command("diff", "-r", a, b).CombinedOutput(); err != nil {
		return fmt.Errorf("the results differ: %w\n%.1000s", err, out)
	}
	return nil
}
