package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// benchSoak has many jobs deploy for a long time to one branch of a server that fails, and
// kills some of them. A job that does not end well is run again, as CI does. Afterwards each
// tag must have landed, and none of them twice.
func benchSoak(args []string) error {
	flags := flag.NewFlagSet("soak", flag.ExitOnError)
	s := soak{}
	flags.DurationVar(&s.duration, "time", 10*time.Minute, "how long")
	flags.IntVar(&s.workers, "jobs", 50, "jobs at a time, each with its own service")
	flags.IntVar(&s.bumps, "bumps", 20, "tags of each job, one after the other")
	flags.Float64Var(&s.kills, "kills", 0.05, "share of the runs that are killed")
	share := flags.Float64("faults", 0.1, "share of the requests that go wrong")
	onlyGit := flags.Bool("git", false, "have git answer what is read, too: some processes a request, on the same machine as the jobs")
	services := flags.Int("services", 200, "services of the k8s repo, 24 files each")
	commits := flags.Int("commits", 2000, "commits of history")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, tagbump, done, err := scratch("tagbump")
	if err != nil {
		return err
	}
	defer done()
	s.tagbump, s.repo = tagbump, dir.path("served/k8s.git")
	files, err := writeBare(s.repo, *services, *commits)
	if err != nil {
		return err
	}
	reads := byGit
	if !*onlyGit {
		reads = byItself
		if err := unpack(s.repo); err != nil {
			return err
		}
	}
	server, err := startServer(filepath.Dir(s.repo), 0, *share, reads)
	if err != nil {
		return err
	}
	defer server.stop()
	s.url = server.url + "/" + filepath.Base(s.repo)
	before, err := gitOutput(s.repo, "rev-parse", "main")
	if err != nil {
		return err
	}
	fmt.Printf("%d tags of %d services in %v, %d files; %.0f %% of the requests go wrong, %.0f %% of the runs are killed\n",
		s.workers*s.bumps, s.workers, s.duration, files, *share*100, s.kills*100)
	s.run()
	t, err := server.traffic()
	if err != nil {
		return err
	}
	return firstError(s.print(t), s.verify(before))
}

// soak is what benchSoak was asked for, and how its runs went.
type soak struct {
	tagbump, repo, url string
	duration           time.Duration
	workers, bumps     int
	kills              float64

	lock   sync.Mutex
	runs   []soakRun
	failed []string // the last messages of jobs that were given up
}

// soakRun is one run of tagbump.
type soakRun struct {
	start    time.Duration // since the beginning
	took     time.Duration
	peak     int64 // bytes
	attempts int   // that it needed
	killed   bool
	ok       bool
}

func (s *soak) run() {
	begin := time.Now()
	interval := s.duration / time.Duration(s.bumps)
	var all sync.WaitGroup
	for i := range s.workers {
		all.Go(func() {
			for n := range s.bumps {
				time.Sleep(time.Until(begin.Add(time.Duration(n)*interval + rand.N(interval))))
				s.job(begin, i, soakTag(i, n))
			}
		})
	}
	all.Wait()
}

func soakTag(worker, n int) string { return fmt.Sprintf("soak-%d-%d", worker, n) }

// job deploys one tag, and tries again until it is done.
func (s *soak) job(begin time.Time, worker int, tag string) {
	const tries = 20
	said := ""
	for range tries {
		var run soakRun
		run, said = s.deploy(begin, worker, tag)
		s.lock.Lock()
		s.runs = append(s.runs, run)
		s.lock.Unlock()
		if run.ok {
			return
		}
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.failed = append(s.failed, tag+": "+said)
}

func (s *soak) deploy(begin time.Time, worker int, tag string) (soakRun, string) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(s.tagbump, "deploy", "--repo", s.url, "--env", "dev", "--service", serviceName(worker), "--tag", tag, "--force", "--output", "json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	run := soakRun{start: start.Sub(begin)}
	if err := cmd.Start(); err != nil {
		return run, err.Error()
	}
	if rand.Float64() < s.kills {
		run.killed = true
		timer := time.AfterFunc(rand.N(time.Second), func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	run.took, run.peak, run.ok = time.Since(start), peak(cmd.ProcessState), err == nil
	var result struct{ Attempts int }
	json.Unmarshal(stdout.Bytes(), &result) // nothing, where it was killed
	run.attempts = result.Attempts
	return run, stderr.String()
}

// print prints how it went, and the memory of the first and the last tenth of the runs.
func (s *soak) print(t traffic) error {
	slices.SortFunc(s.runs, func(a, b soakRun) int { return int(a.start - b.start) })
	killed, again, attempts := 0, 0, 0
	var took []time.Duration
	for _, r := range s.runs {
		switch {
		case r.ok:
			took = append(took, r.took)
			attempts = max(attempts, r.attempts)
		case r.killed:
			killed++
		default:
			again++
		}
	}
	slices.Sort(took)
	fmt.Printf("%d runs: %d done, %d killed, %d failed and were run again; at most %d attempts in a run\n", len(s.runs), len(took), killed, again, attempts)
	if len(took) > 0 {
		fmt.Printf("a run takes %.2f s in the median, 99 of 100 at most %.2f s\n", took[len(took)/2].Seconds(), took[len(took)*99/100].Seconds())
	}
	fmt.Printf("%d requests:", t.Requests)
	for _, kind := range []string{refused, lost, cut, slow} {
		fmt.Printf(" %d %s", t.Faults[kind], kind)
	}
	fmt.Println()
	tenth := max(len(s.runs)/10, 1)
	fmt.Printf("peak MB, median and most: first tenth %s, last tenth %s\n", peaks(s.runs[:tenth]), peaks(s.runs[len(s.runs)-tenth:]))
	for _, f := range s.failed {
		fmt.Fprintf(os.Stderr, "given up: %.500s\n", f)
	}
	return nil
}

func peaks(runs []soakRun) string {
	var list []int64
	for _, r := range runs {
		if !r.killed {
			list = append(list, r.peak)
		}
	}
	if len(list) == 0 {
		return "–"
	}
	slices.Sort(list)
	return fmt.Sprintf("%d and %d", list[len(list)/2]>>20, list[len(list)-1]>>20)
}

// verify checks the branch: a commit for each tag, none twice, and each service on its last.
func (s *soak) verify(before string) error {
	if err := git(s.repo, nil, "fsck", "--connectivity-only", "--no-dangling"); err != nil {
		return err
	}
	log, err := gitOutput(s.repo, "log", "--reverse", "--format=%s", before+"..main")
	if err != nil {
		return err
	}
	landed := map[string]int{}
	last := map[string]string{}
	for line := range strings.Lines(log) {
		service, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		_, tag, _ := strings.Cut(rest, " → ")
		landed[tag]++
		last[service] = tag
	}
	missing, twice, behind := 0, 0, 0
	for i := range s.workers {
		for n := range s.bumps {
			switch landed[soakTag(i, n)] {
			case 0:
				missing++
			case 1:
			default:
				twice++
			}
		}
		if last[serviceName(i)] != soakTag(i, s.bumps-1) {
			behind++
		}
	}
	fmt.Printf("%d tags landed: %d are missing, %d landed twice, %d services are not on their last tag\n", len(landed), missing, twice, behind)
	if missing+twice+behind > 0 {
		return fmt.Errorf("tags were lost, or landed twice")
	}
	return nil
}
