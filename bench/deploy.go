package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// benchDeploy measures tagbump deploy against what people do with git: clone, sed,
// commit, push.
func benchDeploy(args []string) error {
	flags := flag.NewFlagSet("deploy", flag.ExitOnError)
	rounds := flags.Int("rounds", 5, "measured rounds")
	commits := flags.Int("commits", 2000, "commits of history")
	latency := flags.Duration("latency", 30*time.Millisecond, "of each request, in the last table")
	large := flags.Int("services", 2000, "services of the large repository, 24 files each")
	other := flags.String("other", "", "another `build` of tagbump, to compare with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, tagbump, done, err := scratch("tagbump")
	if err != nil {
		return err
	}
	defer done()
	for _, c := range []struct {
		services int
		latency  time.Duration
	}{{200, 0}, {*large, 0}, {*large, *latency}} {
		repo := dir.path(fmt.Sprintf("served/k8s-%d.git", c.services))
		files := c.services * len(environments) * len(kinds)
		if _, err := os.Stat(repo); err != nil {
			if files, err = writeBare(repo, c.services, *commits); err != nil {
				return err
			}
		}
		if err := deployments(dir, []string{tagbump, *other}, repo, files, c.services/2, c.latency, *rounds); err != nil {
			return err
		}
	}
	return nil
}

// deployments measures the ways to deploy one service to one repository. Of the builds of
// tagbump, one that is "" is left out.
func deployments(dir *folder, builds []string, repo string, files, service int, latency time.Duration, rounds int) error {
	s, err := startServer(filepath.Dir(repo), latency, 0, byGit)
	if err != nil {
		return err
	}
	defer s.stop()
	url := s.url + "/" + filepath.Base(repo)
	var contenders []*contender
	for i, tagbump := range builds {
		if tagbump != "" {
			contenders = append(contenders, &contender{name: buildNames[i], command: []string{tagbump, "deploy", "--repo", url, "--env", "dev", "--service", serviceName(service), "--force", "--tag", fmt.Sprintf("%c{round}", 'u'+i)}})
		}
	}
	best := sedLoop(dir, "b", url, service, sparse)
	shallow := sedLoop(dir, "c", url, service, "--depth=1")
	full := sedLoop(dir, "d", url, service, "")
	contenders = append(contenders, best, shallow, full)
	if err := measure(rounds, contenders...); err != nil {
		return err
	}
	fmt.Printf("\nOne service of %d files, %v a request, %d rounds\n", files, latency, rounds)
	if err := table(os.Stdout, contenders, best, full); err != nil {
		return err
	}
	tab := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "\trequests\tkB up\tkB down\t")
	for _, c := range contenders {
		if _, err := s.traffic(); err != nil {
			return err
		}
		if err := c.run(rounds + 1); err != nil {
			return err
		}
		t, err := s.traffic()
		if err != nil {
			return err
		}
		fmt.Fprintf(tab, "%s\t%d\t%.0f\t%.0f\t\n", c.name, t.Requests, float64(t.Up)/1e3, float64(t.Down)/1e3)
	}
	return tab.Flush()
}

// buildNames are what the two builds of tagbump are called.
var buildNames = []string{"tagbump deploy", "tagbump deploy, the other build"}

// sparse is the clone that brings the least.
const sparse = "--depth=1 --filter=blob:none --sparse"

// sedLoop returns what the step of a service's workflow does: clone, sed, commit, push.
// Clones are left lying about: removing them is not measured.
func sedLoop(dir *folder, tag, url string, service int, clone string) *contender {
	script := "set -e; W=" + dir.path("work") + "/$(date +%s%N); git clone -q " + clone + " " + url + " $W; cd $W; "
	if clone == sparse {
		script += "git sparse-checkout set dev/manifests/" + serviceName(service) + "; "
	}
	return &contender{
		name:    strings.TrimSuffix("git clone "+clone, " ") + ", sed, push",
		command: []string{"sh", "-c", script + sedPush(service, tag+"{round}") + "git push -q"},
	}
}

// sedPush returns the edit and the commit.
func sedPush(service int, tag string) string {
	return sed(registry+"/"+serviceName(service), tag) + " dev/manifests/" + serviceName(service) + "/*.yaml; git -c user.name=Bench -c user.email=bench@example.com commit -qam 'deploy'; "
}
