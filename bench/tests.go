package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
)

// benchTests measures the tests of this module, which whoever changes it waits for, beside work of
// other programs, so that two builds can be compared on a machine that is not always as fast.
func benchTests(args []string) error {
	flags := flag.NewFlagSet("tests", flag.ExitOnError)
	race := flags.Bool("race", false, "with the race detector too")
	rounds := flags.Int("rounds", 1, "measured rounds")
	if err := flags.Parse(args); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	dir := newFolder(temporary)
	dir.spread()
	edited := dir.path("sed-{round}")
	for round := range *rounds + 1 {
		if err := writeDeployments(inRound(edited, round), 5000); err != nil {
			return err
		}
	}
	if err := writeChart(dir.path("chart"), 1000); err != nil {
		return err
	}
	tests := []*contender{{name: "go test ./...", command: []string{"go", "test", "-count=1", "./..."}}}
	if *race {
		tests = append(tests, &contender{name: "go test -race ./...", command: []string{"go", "test", "-count=1", "-race", "./..."}})
	}
	peers := []*contender{findSed(edited, "b{round}")}
	if _, err := exec.LookPath("helm"); err == nil {
		peers = append(peers, &contender{name: "helm template", command: []string{"helm", "template", "bench", dir.path("chart")}})
	} else {
		fmt.Println("helm is not in PATH: measured without it")
	}
	all := append(tests, peers...)
	if err := measure(*rounds, all...); err != nil {
		return err
	}
	return table(os.Stdout, all, peers...)
}
