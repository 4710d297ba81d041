package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// contender is one way to do a job, as a process.
type contender struct {
	name    string
	command []string
	prepare func(round int) error // not measured; nil if there is nothing to do
	status  int                   // the exit status that is right

	times  []time.Duration
	peaks  []int64 // bytes
	output int64   // bytes on stdout in the last round
}

// measure runs the contenders in turn, rounds times, after one round to warm up.
// The words {round} in a command become the round's number.
func measure(rounds int, contenders ...*contender) error {
	for round := range rounds + 1 {
		for _, c := range contenders {
			if c.prepare != nil {
				if err := c.prepare(round); err != nil {
					return err
				}
			}
			if err := c.run(round); err != nil {
				return err
			}
			if round == 0 {
				c.times, c.peaks = nil, nil
			}
		}
	}
	return nil
}

func (c *contender) run(round int) error {
	args := make([]string, len(c.command))
	for i, arg := range c.command {
		args[i] = strings.ReplaceAll(arg, "{round}", fmt.Sprint(round))
	}
	var stderr bytes.Buffer
	var stdout counter
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != c.status {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	c.times = append(c.times, took)
	c.peaks = append(c.peaks, peak(cmd.ProcessState))
	c.output = int64(stdout)
	return nil
}

// counter counts what is written to it.
type counter int64

func (n *counter) Write(b []byte) (int, error) {
	*n += counter(len(b))
	return len(b), nil
}

// peak is the most memory that a process had at a time.
func peak(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) * 1024
}

func (c *contender) median() time.Duration {
	times := slices.Sorted(slices.Values(c.times))
	return times[len(times)/2]
}

// ratio is the median of the rounds' own ratios: the two runs of a round had the
// same machine.
func ratio(a, b *contender) float64 {
	ratios := make([]float64, len(a.times))
	for i := range ratios {
		ratios[i] = float64(a.times[i]) / float64(b.times[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// table prints the contenders, with ratios to some of them.
func table(w io.Writer, contenders []*contender, bases ...*contender) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tab, "\tmedian s\tfastest s\tpeak MB\t")
	for _, base := range bases {
		fmt.Fprintf(tab, "÷ %s\t", base.name)
	}
	fmt.Fprintln(tab)
	for _, c := range contenders {
		fmt.Fprintf(tab, "%s\t%.3f\t%.3f\t%.0f\t", c.name, c.median().Seconds(), slices.Min(c.times).Seconds(), float64(slices.Max(c.peaks))/1e6)
		for _, base := range bases {
			fmt.Fprintf(tab, "%.2f\t", ratio(c, base))
		}
		fmt.Fprintln(tab)
	}
	return tab.Flush()
}

// build builds a command of this module into dir, and returns where it is.
func build(dir, name string) (string, error) {
	binary := filepath.Join(dir, name)
	out, err := exec.Command("go", "build", "-o", binary, "k8srepo/cmd/"+name).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", name, err, out)
	}
	return binary, nil
}
