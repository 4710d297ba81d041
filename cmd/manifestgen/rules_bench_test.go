package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"k8srepo/internal/render"
	"k8srepo/internal/validate"
)

// BenchmarkRules measures what the rules across objects cost beside validation, in processor time:
//
//	go test ./cmd/manifestgen -run - -bench Rules -benchtime 30x
//
// The starter with 300 users more has many texts that are validated; an inventory of 1,000 users
// who share four templates has few, so that validation is nearly all recognising what was
// validated. It reports the median of each part's rounds.
func BenchmarkRules(b *testing.B) {
	starter := filepath.Join("..", "..")
	b.Run("starter", func(b *testing.B) {
		benchmarkRules(b, starter, 300, "  - {name: user%d, mission_type: web, services: [api]}\n")
	})
	b.Run("shared", func(b *testing.B) {
		benchmarkRules(b, filepath.Join(starter, "bench", "inventory"), 1000, "  - {name: user%d, mission_type: web, services: [api, front, search]}\n")
	})
}

// sharedUsers is the beginning of the users.yaml of the benchmark's inventory, which has none.
const sharedUsers = `teams: [{name: web}]
services:
  - {name: api, image: ecr.example/api, tag: 1f0c9ae, port: 8080, vars: {replicas: 1, health_path: /healthz}}
  - {name: front, image: ecr.example/front, tag: 1f0c9ae, port: 3000, vars: {replicas: 2, health_path: /healthz}}
  - {name: search, image: ecr.example/search, tag: 1f0c9ae, port: 9200, vars: {replicas: 3, health_path: /healthz}}
users:
`

func benchmarkRules(b *testing.B, source string, n int, user string) {
	dir := b.TempDir()
	for _, folder := range []string{"environments", "templates"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(source, folder))); err != nil {
			b.Fatal(err)
		}
	}
	users, err := os.ReadFile(filepath.Join(source, "users.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		users, err = []byte(sharedUsers), nil
	}
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		users = fmt.Appendf(users, user, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "users.yaml"), users, 0o644); err != nil {
		b.Fatal(err)
	}
	o := &renderOptions{source: dir}
	inv, templates, err := o.load()
	if err != nil {
		b.Fatal(err)
	}
	manifests, err := render.Render(templates, inv, inv.Environments)
	if err != nil {
		b.Fatal(err)
	}
	all := make([]int, len(manifests))
	for i := range all {
		all[i] = i
	}
	newValidator := func() *validate.Validator { // each run of a command makes one
		v, err := validate.New("1.34", nil)
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
	processorTime := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	var validating, reading, checking rounds
	for b.Loop() {
		runtime.GC()
		start := processorTime()
		(&verdicts{}).validateAll(newValidator(), inv, manifests, all, nil)
		validated := processorTime()
		runtime.GC()
		collecting := processorTime()
		objects := make(ruleObjects, len(manifests))
		(&verdicts{}).validateAll(newValidator(), inv, manifests, all, objects)
		read := processorTime()
		o.checkRules(inv, manifests, objects)
		checked := processorTime()
		validating, reading, checking = append(validating, validated-start), append(reading, read-collecting-(validated-start)), append(checking, checked-read)
	}
	b.ReportMetric(float64(len(manifests)), "manifests")
	b.ReportMetric(100*(reading.median()+checking.median())/validating.median(), "%-of-validation")
	b.ReportMetric(reading.median(), "µs-reading")
	b.ReportMetric(checking.median(), "µs-checking")
	b.ReportMetric(validating.median(), "µs-validation")
}

// rounds are the processor times of one part.
type rounds []time.Duration

// median is in microseconds.
func (r rounds) median() float64 {
	return float64(slices.Sorted(slices.Values(r))[len(r)/2].Microseconds())
}
