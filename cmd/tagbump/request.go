package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/bump"
	"k8srepo/internal/problem"
)

// selectionFlags are the flags that say which images, and what they are to run.
var selectionFlags = slices.Concat([]cli.Flag{
	&cli.StringSliceFlag{Name: "env", Usage: "the `environment`, such as dev"},
	&cli.StringSliceFlag{Name: "service", Usage: "a `service` of users.yaml, for its image (may be repeated)"},
	&cli.StringSliceFlag{Name: "image", Usage: "an image's `repository`, without a tag (may be repeated)"},
	&cli.StringFlag{Name: "tag", Usage: "the new `tag`"},
	&cli.StringFlag{Name: "digest", Usage: "the new `digest`, sha256:…; if omitted, an existing digest is removed"},
	&cli.BoolFlag{Name: "resolve-digest", Usage: "ask the registry for the tag's digest, and write both (with the credentials of docker login)"},
	&cli.StringSliceFlag{Name: "rename", Usage: "`OLD=NEW`: move the repository too"},
	&cli.StringSliceFlag{Name: "field", Usage: "look for an image at this `path` too, such as spec.agent, sidecars[name=proxy].ref or **.ref"},
	&cli.IntFlag{Name: "expect", Usage: "fail unless `N` images are found"},
}, placeFlags)

// placeFlags are the flags that say in which files and places images are looked
// for. Every command that reads an environment has them.
var placeFlags = []cli.Flag{
	&cli.StringFlag{Name: "path", Usage: "the `folder` of the environment's manifests, where environments/<env>.yaml does not set it; {env} is the environment's name"},
	&cli.StringSliceFlag{Name: "only", Usage: "leave out files that do not match this `pattern`, such as 'api/*.yaml' or '*-deployment.yaml' (may be repeated)"},
	&cli.StringSliceFlag{Name: "skip", Usage: "leave out files that match this `pattern`, such as '**/templates/**' (may be repeated)"},
	&cli.StringFlag{Name: "user", Usage: "leave out files outside of users/`NAME`/"},
	&cli.StringFlag{Name: "container", Usage: "leave out images that are not of the container `NAME`"},
}

// selectionOf returns what those flags say but --env, which some commands take several
// times.
func selectionOf(c *cli.Context) bump.Selection {
	s := bump.Selection{
		Services: c.StringSlice("service"), Images: c.StringSlice("image"), Tag: c.String("tag"), Digest: c.String("digest"),
		ResolveDigest: c.Bool("resolve-digest"), Renames: c.StringSlice("rename"), Fields: c.StringSlice("field"), Expect: c.Int("expect"),
	}
	placesOf(c, &s)
	return s
}

// once returns the value of a flag that may be given once; "" where it is not given. The
// last of several would win, and nobody would learn of the others.
func once(c *cli.Context, flag, why string) (string, error) {
	values := c.StringSlice(flag)
	if len(values) > 1 {
		return "", problem.New("pass it once: "+why, "--%s is given %d times", flag, len(values))
	}
	return strings.Join(values, ""), nil
}

// placesOf sets what placeFlags say.
func placesOf(c *cli.Context, s *bump.Selection) {
	s.Path = c.String("path")
	s.Narrowing = bump.Narrowing{Only: c.StringSlice("only"), Skip: c.StringSlice("skip"), User: c.String("user"), Container: c.String("container")}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func runs(n int) string {
	if n == 1 {
		return "runs"
	}
	return "run"
}
