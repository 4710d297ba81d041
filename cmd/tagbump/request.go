package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/bump"
)

// selectionFlags are the flags that say which images, and what they are to run.
var selectionFlags = []cli.Flag{
	&cli.StringFlag{Name: "env", Usage: "the `environment`: the folder above manifests/"},
	&cli.StringSliceFlag{Name: "service", Usage: "a `service` of users.yaml, for its image (may be repeated)"},
	&cli.StringSliceFlag{Name: "image", Usage: "an image's `repository`, without a tag (may be repeated)"},
	&cli.StringFlag{Name: "tag", Usage: "the new `tag`"},
	&cli.StringFlag{Name: "digest", Usage: "the new `digest`, sha256:…; without it one that is there is dropped"},
	&cli.StringSliceFlag{Name: "rename", Usage: "`OLD=NEW`: move the repository too"},
	&cli.StringSliceFlag{Name: "field", Usage: "look for an image at this `path` too, such as image or sidecars[name=proxy].image"},
	&cli.IntFlag{Name: "expect", Usage: "fail unless `N` images are found"},
}

func selectionOf(c *cli.Context) bump.Selection {
	return bump.Selection{
		Env: c.String("env"), Services: c.StringSlice("service"), Images: c.StringSlice("image"), Tag: c.String("tag"), Digest: c.String("digest"),
		Renames: c.StringSlice("rename"), Fields: c.StringSlice("field"), Expect: c.Int("expect"),
	}
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
