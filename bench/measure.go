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

	times []time.Duration
	cpu   []time.Duration // user and system, of all processors
	peaks []int64         // bytes
}

// measure runs the contenders in turn, rounds times, after one round to warm up.
// The words {round} in a command become the round's number.
func measure(rounds int, contenders ...*contender) error {
	for round := range rounds + 1 {
		for _, c := range contenders {
			if err := c.run(round); err != nil {
				return err
			}
			if round == 0 {
				c.times, c.cpu, c.peaks = nil, nil, nil
			}
		}
	}
	return nil
}

func (c *contender) run(round int) error {
	args := make([]string, len(c.command))
	for i, arg := range c.command {
		args[i] = inRound(arg, round)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = sink{}, &stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	c.times = append(c.times, took)
	c.cpu = append(c.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	c.peaks = append(c.peaks, peak(cmd.ProcessState))
	return nil
}

// inRound returns a text with the number of a round for the words {round}.
func inRound(text string, round int) string {
	return strings.ReplaceAll(text, "{round}", fmt.Sprint(round))
}

// sink reads what a process prints, as a terminal or a pipe would; /dev/null would
// be too kind to who prints much.
type sink struct{}

func (sink) Write(b []byte) (int, error) { return len(b), nil }

// peak returns the most memory that a process had at a time.
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

func median(times []time.Duration) float64 {
	return slices.Sorted(slices.Values(times))[len(times)/2].Seconds()
}

// ratio returns the median of the rounds' own ratios: the two runs of a round had the
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
	fmt.Fprint(tab, "\tmedian s\tfastest s\tcpu s\tpeak MB\t")
	for _, base := range bases {
		fmt.Fprintf(tab, "÷ %s\t", base.name)
	}
	fmt.Fprintln(tab)
	for _, c := range contenders {
		fmt.Fprintf(tab, "%s\t%.3f\t%.3f\t%.3f\t%.0f\t", c.name, median(c.times), slices.Min(c.times).Seconds(), median(c.cpu), float64(slices.Max(c.peaks))/1e6)
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
