// Bench measures manifestgen and tagbump as people run them: whole processes on
// generated input, beside other tools and beside the least that the disk allows.
//
//	go run ./bench render     # 12,000 manifests rendered
//	go run ./bench edit       # image tags moved in 5,000 and 50,000 files
//	go run ./bench deploy     # one service deployed to a served repository
//	go run ./bench contention # many deployed at once
//	go run ./bench soak       # 1,000 deployments in ten minutes, with faults and kills
//	go run ./bench tests      # the tests of this module
//	go run ./bench all        # render, edit, deploy and contention, one after the other
//	go run ./bench generate   # only make the input, to look at
//
// It prints numbers and ratios, and passes no judgement. Rounds are interleaved,
// so that a busy machine slows all of them alike; what is printed are medians.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
)

// benchmarks are the words after go run ./bench.
var benchmarks = map[string]func(args []string) error{
	"render":     benchRender,
	"edit":       benchEdit,
	"deploy":     benchDeploy,
	"contention": benchContention,
	"soak":       benchSoak,
	"tests":      benchTests,
	"generate":   generate,
	"limit":      limit, // what the benchmarks run as a process of its own
	"serve":      serve, // that too
}

// ratios are the benchmarks that compare: go run ./bench all.
var ratios = []string{"render", "edit", "deploy", "contention"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "all" {
		for _, name := range ratios {
			fmt.Printf("\n== %s\n", name)
			if err := benchmarks[name](nil); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
	if len(args) == 0 || benchmarks[args[0]] == nil {
		return fmt.Errorf("usage: go run ./bench render|edit|deploy|contention|all|soak|tests|generate")
	}
	return benchmarks[args[0]](args[1:])
}

// generate makes the input of the benchmarks in a folder.
func generate(args []string) error {
	flags := flag.NewFlagSet("generate", flag.ExitOnError)
	users := flags.Int("users", 1000, "users of the inventory and of the chart, 12 manifests each")
	services := flags.Int("services", 200, "services of the k8s repo, 24 files each")
	dir := flags.String("dir", "", "the `folder` to make inventory/, chart/ and k8s/ in")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		return fmt.Errorf("pass -dir FOLDER")
	}
	in := newFolder(*dir)
	_, err := writeRepo(in.path("k8s"), *services, environments)
	return firstError(writeInventory(in.path("inventory"), *users, 1), writeChart(in.path("chart"), *users), err)
}

func firstError(errs ...error) error {
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}
