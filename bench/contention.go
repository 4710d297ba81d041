package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"
)

// benchContention has many jobs deploy to one branch at the same time, each its own
// service: tagbump, and the loop of pull --rebase and push.
func benchContention(args []string) error {
	flags := flag.NewFlagSet("contention", flag.ExitOnError)
	rounds := flags.Int("rounds", 3, "measured rounds")
	services := flags.Int("services", 200, "services of the k8s repo, 24 files each")
	commits := flags.Int("commits", 2000, "commits of history")
	other := flags.String("other", "", "another `build` of tagbump, to compare with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, tagbump, done, err := scratch("tagbump")
	if err != nil {
		return err
	}
	defer done()
	repo := dir.path("served/k8s.git")
	files, err := writeBare(repo, *services, *commits)
	if err != nil {
		return err
	}
	s, err := startServer(filepath.Dir(repo), 0, 0, byGit)
	if err != nil {
		return err
	}
	defer s.stop()
	c := &crowd{dir: dir, repo: repo, url: s.url + "/" + filepath.Base(repo)}
	fmt.Printf("Jobs at once on one branch, %d files, medians of %d rounds\n", files, *rounds)
	tab := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "\tjobs\tlanded\twall s\tcpu s\trequests\t÷ the loop\t")
	for _, jobs := range []int{20, 100} {
		var ways []*way
		for i, binary := range []string{tagbump, *other} {
			if binary != "" {
				ways = append(ways, &way{name: buildNames[i], command: c.deploy(binary)})
			}
		}
		if jobs == 20 {
			ways = append(ways, &way{name: "clone --depth=1, sed, 40 × (push, pull --rebase)", command: c.loop, isLoop: true})
		}
		for range *rounds {
			for _, w := range ways {
				one, err := c.run(s, jobs, w.command)
				if err != nil {
					return err
				}
				w.runs = append(w.runs, one)
			}
		}
		for _, w := range ways {
			w.print(tab, jobs, ways[len(ways)-1])
		}
	}
	return tab.Flush()
}

// way is one way for jobs to get their commits onto the branch, and how it went.
type way struct {
	name    string
	command func(i int, tag string) []string
	isLoop  bool // of pull --rebase and push
	runs    []crowded
}

// print prints the medians of the runs, and their ratio to those of the loop.
func (w *way) print(tab io.Writer, jobs int, last *way) {
	times, cpu, requests, landed, ratios := []time.Duration{}, []time.Duration{}, []int{}, jobs, []float64{}
	for i, one := range w.runs {
		times, cpu, requests, landed = append(times, one.wall), append(cpu, one.cpu), append(requests, one.requests), min(landed, one.landed)
		if last.isLoop {
			ratios = append(ratios, float64(one.wall)/float64(last.runs[i].wall))
		}
	}
	slices.Sort(requests)
	fmt.Fprintf(tab, "%s\t%d\t%d\t%.1f\t%.1f\t%d\t", w.name, jobs, landed, median(times), median(cpu), requests[len(requests)/2])
	if slices.Sort(ratios); len(ratios) > 0 {
		fmt.Fprintf(tab, "%.2f\t", ratios[len(ratios)/2])
	}
	fmt.Fprintln(tab)
}

// deploy returns the command of a job that runs a build of tagbump.
func (c *crowd) deploy(tagbump string) func(i int, tag string) []string {
	return func(i int, tag string) []string {
		return []string{tagbump, "deploy", "--repo", c.url, "--env", "dev", "--service", serviceName(i), "--force", "--tag", tag}
	}
}

// loop returns the command of a job that pulls and pushes until its push is taken.
func (c *crowd) loop(i int, tag string) []string {
	work := c.dir.path("work") + "/" + tag + "-" + strconv.Itoa(i)
	return []string{"sh", "-c", "git clone -q --depth=1 " + c.url + " " + work + " && cd " + work + " && " + sedPush(i, tag) +
		"for n in $(seq 40); do git push -q && exit 0; git -c user.name=Bench -c user.email=bench@example.com pull -q --rebase || exit 1; done; exit 1"}
}

// crowd is jobs that push to one branch at the same time.
type crowd struct {
	dir       *folder
	repo, url string
	runs      int
}

// crowded is what a run of jobs took, until the last of them was done.
type crowded struct {
	wall, cpu        time.Duration
	landed, requests int
}

// run starts the jobs at once. What landed is counted in the repository, which git fsck
// must find intact.
func (c *crowd) run(s *server, jobs int, command func(i int, tag string) []string) (crowded, error) {
	c.runs++
	tag := fmt.Sprintf("x%d", c.runs)
	before, err := c.commits()
	if err != nil {
		return crowded{}, err
	}
	if _, err := s.traffic(); err != nil {
		return crowded{}, err
	}
	var all sync.WaitGroup
	var lock sync.Mutex
	var said bytes.Buffer
	var result crowded
	start := time.Now()
	for i := range jobs {
		all.Go(func() {
			command := command(i, tag)
			cmd := exec.Command(command[0], command[1:]...)
			out, err := cmd.CombinedOutput()
			lock.Lock()
			defer lock.Unlock()
			if cmd.ProcessState != nil { // it was started
				result.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			}
			if err != nil {
				fmt.Fprintf(&said, "%s: %v: %.500s\n", command[0], err, out)
			}
		})
	}
	all.Wait()
	result.wall = time.Since(start)
	t, err := s.traffic()
	if err != nil {
		return result, err
	}
	after, err := c.commits()
	result.landed, result.requests = after-before, t.Requests
	if result.landed != jobs {
		fmt.Fprintf(os.Stderr, "%d of %d landed\n%s", result.landed, jobs, &said)
	}
	return result, firstError(err, git(c.repo, nil, "fsck", "--connectivity-only", "--no-dangling"))
}

func (c *crowd) commits() (int, error) {
	out, err := gitOutput(c.repo, "rev-list", "--count", "main")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out)
}
