// Command e2e proves the starter on a real API server and in a real Argo CD, on one machine
// and without containers. It builds them from Go modules, once; then
//
//   - the API server is asked to take every rendered object, and a pod of every pod template;
//   - Argo CD gets the one file that is applied by hand, and syncs the rest from Git;
//   - tagbump, manifestgen and a person change what is in Git, and the cluster follows.
//
// Usage: go run . (in this folder). It needs Go, git, and Debian's etcd-server and
// redis-server, which it installs with apt-get where it is root and they are missing.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cache := flag.String("cache", "", "folder of the programs that are built, by default $E2E_CACHE or k8srepo-e2e in the user's cache folder")
	keep := flag.Bool("keep", false, "keep the work folder, with every program's log")
	noArgoCD := flag.Bool("no-argocd", false, "leave Argo CD out")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "e2e: error: unexpected argument %q; see -help\n", flag.Arg(0))
		return 2
	}
	folder, err := cacheFolder(*cache)
	if err == nil {
		err = all(ctx, options{cache: folder, keep: *keep, argocd: !*noArgoCD, out: os.Stdout})
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "e2e: interrupted")
		return 2
	case err != nil:
		fmt.Fprintln(os.Stderr, "e2e: error:", err)
		return 1
	}
	return 0
}

// cacheFolder returns where built programs are kept from one run to the next.
func cacheFolder(flag string) (string, error) {
	if flag == "" {
		flag = os.Getenv("E2E_CACHE")
	}
	if flag != "" {
		return filepath.Abs(flag)
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "k8srepo-e2e"), err
}

type options struct {
	cache  string
	keep   bool
	argocd bool
	out    io.Writer
}

// all does the whole run: build, start, check.
func all(ctx context.Context, o options) (err error) {
	work, err := os.MkdirTemp("", "k8srepo-e2e-")
	if err != nil {
		return err
	}
	r := &report{out: o.out, start: time.Now()}
	started := &processes{logs: filepath.Join(work, "logs")}
	defer func() {
		started.stop()
		if o.keep || err != nil && ctx.Err() == nil {
			fmt.Fprintln(o.out, "logs are in", started.logs)
			return
		}
		os.RemoveAll(work)
	}()
	programs, err := build(ctx, o, r)
	if err != nil {
		return err
	}
	repository, err := newRepository(ctx, work, programs)
	if err != nil {
		return err
	}
	defer repository.close()
	clusters, err := startClusters(ctx, work, programs, started, r)
	if err != nil {
		return err
	}
	if err := checkAPIServer(ctx, clusters.main, repository, r); err != nil {
		return err
	}
	if o.argocd {
		if err := checkArgoCD(ctx, work, programs, started, clusters, repository, r); err != nil {
			return err
		}
	}
	r.total()
	return nil
}
