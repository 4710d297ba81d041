// Validate compares what manifestgen refuses with what others do: with an API server, object by
// object, and with other validators, mistake by mistake.
//
//	go run ./bench/validate tools CASES
//	go run ./bench/validate server --server URL --token T [--cases CASES] [--mutate] [PATH…]
//
// CASES holds starter/, a source folder of manifestgen, and a folder for each case: edit.sh makes
// the mistake in a copy of the starter; verdict holds what a real API server says: refuses or
// takes. Needs sh, and what edit.sh needs. Other validators are used if they are in PATH. The
// server is asked by dry run, but namespaces and CustomResourceDefinitions are made for real: use
// a server that nobody else needs.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "validate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "tools":
			return compareTools(args[1:])
		case "server":
			return compareServer(args[1:])
		}
	}
	return fmt.Errorf("usage: go run ./bench/validate tools CASES | server --server URL --token T [--cases CASES] [--mutate] [PATH…]")
}
