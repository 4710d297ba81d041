package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8srepo/internal/render"
	"k8srepo/internal/validate"
)

// BenchmarkRules measures what the rules across objects cost beside validation, on the starter with
// 300 users more: go test ./cmd/manifestgen -run - -bench Rules -benchtime 30x
// It reports the fastest round of each part, since the machine may do other work too.
func BenchmarkRules(b *testing.B) {
	dir := b.TempDir()
	for _, folder := range []string{"environments", "templates"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join("..", "..", folder))); err != nil {
			b.Fatal(err)
		}
	}
	users, err := os.ReadFile(filepath.Join("..", "..", "users.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	for i := range 300 {
		users = fmt.Appendf(users, "  - {name: user%d, mission_type: web, services: [api]}\n", i)
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
	validator, err := validate.New("1.34", nil)
	if err != nil {
		b.Fatal(err)
	}
	validateAll(validator, inv, manifests, all, nil) // definitions are read once
	const never = time.Hour
	validating, reading, checking := never, never, never
	for b.Loop() {
		start := time.Now()
		validateAll(validator, inv, manifests, all, nil)
		validated := time.Now()
		objects := newRuleObjects(len(manifests))
		validateAll(validator, inv, manifests, all, objects)
		read := time.Now()
		o.checkRules(inv, manifests, objects)
		validating, reading, checking = min(validating, validated.Sub(start)), min(reading, read.Sub(validated)), min(checking, time.Since(read))
	}
	b.ReportMetric(float64(len(manifests)), "manifests")
	b.ReportMetric(100*float64(reading-validating+checking)/float64(validating), "%-of-validation")
	b.ReportMetric(float64((reading - validating + checking).Microseconds()), "µs-rules")
	b.ReportMetric(float64(validating.Microseconds()), "µs-validation")
}
