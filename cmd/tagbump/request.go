package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/deploy"
	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// requestOptions are the flags that say which images, and what they are to run.
type requestOptions struct {
	env      string
	services []string
	images   []string
	tag      string
	digest   string
	renames  []string
	fields   []string
	expect   int
	source   string
}

var requestFlags = []cli.Flag{
	&cli.StringFlag{Name: "env", Usage: "the `environment`: the folder above manifests/"},
	&cli.StringSliceFlag{Name: "service", Usage: "a `service` of users.yaml, for its image (may be repeated)"},
	&cli.StringSliceFlag{Name: "image", Usage: "an image's `repository`, without a tag (may be repeated)"},
	&cli.StringFlag{Name: "tag", Usage: "the new `tag`"},
	&cli.StringFlag{Name: "digest", Usage: "the new `digest`, sha256:…; without it one that is there is dropped"},
	&cli.StringSliceFlag{Name: "rename", Usage: "`OLD=NEW`: move the repository too"},
	&cli.StringSliceFlag{Name: "field", Usage: "look for an image at this `path` too, such as image or sidecars[name=proxy].image"},
	&cli.IntFlag{Name: "expect", Usage: "fail unless `N` images are found"},
	&cli.StringFlag{Name: "source", Value: ".", Usage: "the `folder` of users.yaml, where --root has none"},
}

func requestOptionsOf(c *cli.Context) requestOptions {
	return requestOptions{
		env: c.String("env"), services: c.StringSlice("service"), images: c.StringSlice("image"), tag: c.String("tag"), digest: c.String("digest"),
		renames: c.StringSlice("rename"), fields: c.StringSlice("field"), expect: c.Int("expect"), source: c.String("source"),
	}
}

// version is what is to run, for people.
func (o requestOptions) version() string {
	if o.tag == "" {
		return o.digest
	}
	return o.tag
}

// request checks the flags, and looks services up in the users.yaml of one of the
// folders: root, else --source.
func (o requestOptions) request(root string) (*deploy.Request, error) {
	var problems problem.List
	if o.env == "" {
		problems.Add(problem.New("say --env dev", "--env is missing"))
	}
	if o.tag == "" && o.digest == "" {
		problems.Add(problem.New(`say --tag "$GITHUB_SHA"`, "--tag is missing"))
	}
	r := &deploy.Request{Env: o.env, Tag: o.tag, Digest: o.digest, Expect: o.expect}
	for _, text := range o.fields {
		path, err := manifest.ParsePath(text)
		if err != nil {
			problems.Add(problem.New("", "--field: %v", err))
		}
		r.Fields = append(r.Fields, path)
	}
	repositories, err := o.repositories(root)
	problems.Add(err)
	for _, repository := range repositories {
		target, err := deploy.ParseTarget(repository, o.renames)
		problems.Add(err)
		r.Targets = append(r.Targets, target)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return r, r.Validate()
}

// repositories are those of --image, and of each --service.
func (o requestOptions) repositories(root string) ([]string, error) {
	if len(o.services) == 0 {
		if len(o.images) == 0 {
			return nil, problem.New("say --service NAME, or --image REPOSITORY", "--service or --image is missing")
		}
		return o.images, nil
	}
	services, err := inventory.LoadServices(os.DirFS(root))
	if errors.Is(err, fs.ErrNotExist) {
		services, err = inventory.LoadServices(os.DirFS(o.source))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.New("name its folder with --source, or the repository with --image", "no users.yaml in %s or %s to look up the service in", root, o.source)
	}
	if err != nil {
		return nil, err
	}
	repositories := o.images
	var problems problem.List
	for _, name := range o.services {
		found := false
		for _, s := range services {
			if s.Name == name {
				repositories, found = append(repositories, s.Image), true
			}
		}
		if !found {
			problems.Add(problem.New(problem.DidYouMean(name, inventory.Names(services)), "unknown service %q", name))
		}
	}
	return repositories, problems.Err()
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
