// Tagbump moves image tags in a Kubernetes manifests repository, after CI has
// pushed an image.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
)

func main() { os.Exit(run(os.Args, os.Stdout, os.Stderr, takeTokens(os.Getenv, os.Unsetenv))) }

// run is the command: arguments in, an exit status out.
func run(args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends it at once
	con := console.New("tagbump", stdout, stderr, getenv)
	con.OnFailure = func(command string, err error) error { return reportUsage(con, command, err) }
	return console.Main(ctx, con, newApp(con, getenv), args)
}

func newApp(con *console.Console, getenv func(string) string) *cli.App {
	return console.App(con, &cli.App{
		Usage: "move image tags in a Kubernetes manifests repository",
		Description: `Changes only the tags of the images in <environment>/manifests: in the containers
of any object, in volumes, in kustomizations, and where --field says. No other byte
changes.

   tagbump set --root k8s --env dev --service api --tag 9f2c1ab
   tagbump deploy --repo https://github.com/example/k8s --env dev --service api --tag 9f2c1ab
   tagbump promote --repo https://github.com/example/k8s --from staging --to prod --service api
   tagbump rollback --repo https://github.com/example/k8s --env prod --service api
   tagbump hold --repo https://github.com/example/k8s --env prod --service api --reason migration
   tagbump release --repo https://github.com/example/k8s --env prod --service api
   tagbump status --repo https://github.com/example/k8s`,
		Commands: []*cli.Command{
			setCommand(con, getenv), deployCommand(con, getenv), promoteCommand(con, getenv), rollbackCommand(con, getenv),
			holdCommand(con, getenv), releaseCommand(con, getenv), statusCommand(con, getenv),
			console.CompletionCommand(con), console.CompleteCommand(con, completions),
		},
	})
}
