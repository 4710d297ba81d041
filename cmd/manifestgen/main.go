// Manifestgen expands an inventory of users, teams and services into the
// Kubernetes manifests of every environment.
package main

import (
	"context"
	"io"
	"os"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
)

func main() {
	// Most of what a run allocates, it keeps to its end: collecting half as often saves a tenth of
	// the time, for a quarter more memory.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	os.Exit(run(os.Args, os.Stdout, os.Stderr, os.Getenv))
}

// run is the command: arguments in, an exit status out.
func run(args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	con := console.New("manifestgen", stdout, stderr, getenv)
	con.Codes = true
	return console.Main(context.Background(), con, newApp(con), args)
}

func newApp(con *console.Console) *cli.App {
	return console.App(con, &cli.App{
		Usage: "render the manifests of every environment from an inventory",
		Description: `Reads users.yaml, environments/ and templates/ below --source, and makes
<out>/<environment>/manifests what they say. Files that it did not render, or
that were edited by hand, are never touched; the image tags in them stay.

   manifestgen render                       # in a k8s repo: make its manifests
   manifestgen render --env dev --dry-run   # show what would change in dev
   manifestgen user add erin --team web --services api
                                            # a colleague more
   manifestgen check                        # in CI: exit 1 if render was forgotten
   manifestgen lint k8s/                    # would the API server take these manifests?
   manifestgen why dev/manifests/api/api-dev-deployment.yaml:12
                                            # where does this line come from?
   manifestgen explain replicas --env prod --service api
                                            # who says what, and who wins?`,
		Commands: []*cli.Command{renderCommand(con), checkCommand(con), lintCommand(con, os.Stdin), whyCommand(con), explainCommand(con),
			userCommand(con), teamCommand(con), serviceCommand(con), envCommand(con), adoptCommand(con), initCommand(con),
			schemaCommand(con), console.CompletionCommand(con), console.CompleteCommand(con, completions)},
	})
}
