package mistakes

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Record is what an API server said of each object: its release, such as v1.34.4, and whether it
// refused the object of a name.
//
// As a file, compressed, it has the release in the first line, then one line per object, "refuses"
// or "takes" and the object's name.
type Record struct {
	Release string
	Refused map[string]bool
}

// Write writes a record as a file has it.
func (r Record) Write(w io.Writer) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	fmt.Fprintln(compressed, r.Release)
	for _, name := range slices.Sorted(maps.Keys(r.Refused)) {
		verdict := "takes"
		if r.Refused[name] {
			verdict = "refuses"
		}
		fmt.Fprintln(compressed, verdict, name)
	}
	return compressed.Close()
}

// ReadRecord reads a record as a file has it.
func ReadRecord(file io.Reader) (Record, error) {
	data, err := gzip.NewReader(file)
	if err != nil {
		return Record{}, err
	}
	lines := bufio.NewScanner(data)
	if !lines.Scan() {
		return Record{}, errors.New("empty")
	}
	r := Record{Release: lines.Text(), Refused: map[string]bool{}}
	for lines.Scan() {
		verdict, name, ok := strings.Cut(lines.Text(), " ")
		if !ok || verdict != "refuses" && verdict != "takes" {
			return Record{}, fmt.Errorf("unknown line %q", lines.Text())
		}
		r.Refused[name] = verdict == "refuses"
	}
	return r, lines.Err()
}
