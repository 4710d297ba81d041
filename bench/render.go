package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
)

// benchRender measures manifestgen on an inventory of many users.
func benchRender(args []string) error {
	flags := flag.NewFlagSet("render", flag.ExitOnError)
	users := flags.Int("users", 1000, "users, 12 manifests in each environment")
	envs := flags.Int("envs", 1, "environments; with several, jobs that render and check one of them are measured too, and Helm is not")
	rounds := flags.Int("rounds", 5, "measured rounds")
	other := flags.String("other", "", "another `build` of manifestgen, to compare with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, manifestgen, done, err := scratch("manifestgen")
	if err != nil {
		return err
	}
	defer done()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// Each round writes into folders of its own: ext4 is slow to give the inodes of
	// files away again that were just removed.
	inventory, again, copied := dir.path("inventory"), dir.path("again"), dir.path("copied-{round}")
	if err := firstError(writeInventory(inventory, *users, *envs), writeChart(dir.path("chart"), *users)); err != nil {
		return err
	}
	helm := &contender{name: "helm template", command: []string{"helm", "template", "bench", dir.path("chart")}}
	of := func(build, label, out string) (render, unchanged, check *contender) {
		run := func(name, command, out string) *contender {
			return &contender{name: name + label, command: []string{build, command, "--source", inventory, "--out", out}}
		}
		return run("first render", "render", out+"-{round}"), run("nothing changed", "render", out), run("check", "check", out)
	}
	render, unchanged, check := of(manifestgen, "", again)
	copying := &contender{name: "limit: cp -r", command: []string{"cp", "-r", again, copied}}
	reading := &contender{name: "limit: read all files", command: []string{self, "limit", again, "image:"}}

	contenders := []*contender{render, unchanged, check, copying, reading}
	bases := []*contender{copying, reading}
	if *envs > 1 {
		contenders = append(contenders,
			&contender{name: "first render, one environment", command: append(slices.Clone(render.command[:4]), "--out", dir.path("one-{round}"), "--env", "sandbox")},
			&contender{name: "check, one environment", command: append(slices.Clone(check.command), "--env", "sandbox")})
	} else if _, err := exec.LookPath(helm.command[0]); err == nil {
		contenders = append([]*contender{helm}, contenders...)
		bases = append([]*contender{helm}, bases...)
	} else {
		fmt.Println("helm is not in PATH: measured without it")
	}
	if *other != "" {
		render, unchanged, check := of(*other, ", the other build", dir.path("other"))
		contenders = append(contenders, render, unchanged, check)
	}
	if err := measure(*rounds, contenders...); err != nil {
		return err
	}
	fmt.Printf("%d users, %d environments, %d manifests, %d rounds\n", *users, *envs, *users**envs*servicesEach*4, *rounds)
	return table(os.Stdout, contenders, bases...)
}
