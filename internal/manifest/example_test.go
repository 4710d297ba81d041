package manifest_test

import (
	"fmt"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
)

// The tag of one image changes, and not another byte.
func ExampleFile_SetImages() {
	f, err := manifest.Parse("values.yaml", []byte("image: {repository: example.com/api, tag: '1.0'} # by CI\nother: 1.0\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := f.SetImages(f.Images(), func(ref image.Ref) image.Ref { return ref.With("9f2c1ab", "") })
	fmt.Print(string(out), err)
	// Output:
	// image: {repository: example.com/api, tag: '9f2c1ab'} # by CI
	// other: 1.0
	// <nil>
}

func ExampleFile_Find() {
	f, err := manifest.Parse("a.yaml", []byte("spec: {image: 'example.com/api:1.0'}\nstore: {repository: example.com/db}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	found := f.Find()
	for _, i := range found.Images {
		fmt.Println(i.Place, i.Where, i.Ref)
	}
	for _, i := range found.Bare {
		fmt.Println(i.Place, i.Where, i.Ref, "has no tag")
	}
	// Output:
	// a.yaml:1:15 spec.image example.com/api:1.0
	// a.yaml:2:21 store example.com/db has no tag
}
