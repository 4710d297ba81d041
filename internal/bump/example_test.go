package bump_test

import (
	"fmt"
	"testing/fstest"

	"k8srepo/internal/bump"
)

// Flags are resolved once, and the request is applied to files from anywhere.
func ExampleEdit() {
	repo := fstest.MapFS{
		"users.yaml":            {Data: []byte("services: [{name: api, image: example.com/api}]\n")},
		"environments/dev.yaml": {Data: []byte("registry: eu.example.com\n")},
	}
	selection := bump.Selection{Env: "dev", Services: []string{"api"}, Tag: "9f2c1ab"}
	request, err := selection.Request(repo)
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := bump.Edit(request, []bump.File{
		{Path: "dev/manifests/api.yaml", Data: []byte("image: eu.example.com/api:1.0 # was eu.example.com/api:0.9\n")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(result.Files[0].New))
	fmt.Println(result.Mentions[0])
	// Output:
	// image: eu.example.com/api:9f2c1ab # was eu.example.com/api:0.9
	// dev/manifests/api.yaml:1:37: eu.example.com/api:0.9: text or a comment, not an image
}

func ExampleQuery_Read() {
	query := bump.Query{Env: "dev"}
	images, problems := query.Read([]bump.File{{Path: "dev/manifests/values.yaml", Data: []byte("api: {repository: example.com/api, tag: 1.0}\n")}})
	fmt.Println(images[0].Place, images[0].Where, images[0].Ref, problems.Err())
	// Output:
	// dev/manifests/values.yaml:1:41 api example.com/api:1.0 <nil>
}

func ExampleMatchGlob() {
	fmt.Println(bump.MatchGlob("*-job.yaml", "api/api-job.yaml"), bump.MatchGlob("api/*.yaml", "users/api/a.yaml"), bump.MatchGlob("**/templates/**", "chart/templates/a.yaml"))
	// Output: true false true
}
