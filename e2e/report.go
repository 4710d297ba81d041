package main

import (
	"fmt"
	"io"
	"time"
)

// report prints what was done and how long it took.
type report struct {
	out   io.Writer
	start time.Time
}

// stage prints the title of what follows.
func (r *report) stage(format string, args ...any) {
	fmt.Fprintf(r.out, "== "+format+"\n", args...)
}

// line prints one result.
func (r *report) line(format string, args ...any) {
	fmt.Fprintf(r.out, "   "+format+"\n", args...)
}

// took prints one result, with the time since start.
func (r *report) took(start time.Time, format string, args ...any) {
	r.line("%7.1f s  "+format, append([]any{time.Since(start).Seconds()}, args...)...)
}

func (r *report) total() {
	fmt.Fprintf(r.out, "== passed in %.0f s\n", time.Since(r.start).Seconds())
}
