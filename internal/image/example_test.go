package image_test

import (
	"fmt"

	"k8srepo/internal/image"
)

func ExampleParse() {
	ref, err := image.Parse("localhost:5000/api:1.0")
	fmt.Println(ref.Name, ref.Tag, ref.With("9f2c1ab", ""), err)
	short, err := image.Parse("nginx:1.27")
	fmt.Println(short.Repository(), short, err)
	// Output:
	// localhost:5000/api 1.0 localhost:5000/api:9f2c1ab <nil>
	// docker.io/library/nginx nginx:1.27 <nil>
}

func ExampleSplitTag() {
	fmt.Println(image.SplitTag("1.0"))
	fmt.Println(image.SplitTag("not a tag"))
	// Output:
	// 1.0  true
	//   false
}
