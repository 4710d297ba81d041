package deploy

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func BenchmarkBump(b *testing.B) {
	data, err := os.ReadFile("/dev/shm/all/dev/manifests/service-0000/service-0000-dev-deployment.yaml")
	if err != nil {
		b.Skip(err)
	}
	_ = filepath.Join
	t, err := ParseTarget("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/proxy", nil)
	if err != nil {
		b.Fatal(err)
	}
	r := &Request{Env: "dev", Tag: "9f2c1ab", Targets: []Target{t}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Tag = "b" + strconv.Itoa(i)
		res, err := Bump(r, []File{{"dev/manifests/a.yaml", data}})
		if err != nil || len(res.Files) != 1 {
			b.Fatal(err)
		}
	}
}
