package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"
)

// A record is what an API server said of each object: its release in the first line, then one
// line per object, "refuses" or "takes" and the object's name. A test compares the project's own
// verdicts with it.

// writeRecord writes the server's verdicts to a file, to none where its name is "". Those that
// depend on the cluster are left out.
func writeRecord(file, release string, documents []document, theirs []answer) (err error) {
	if file == "" {
		return nil
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	compressed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return errors.Join(err, out.Close())
	}
	fmt.Fprintln(compressed, release)
	for i, d := range documents {
		verdict := "refuses"
		if theirs[i].taken {
			verdict = "takes"
		}
		if !clusterOnly.MatchString(theirs[i].message) {
			fmt.Fprintln(compressed, verdict, d.name)
		}
	}
	return errors.Join(compressed.Close(), out.Close())
}

// readRecord returns the names of objects, and whether the server refused them.
func readRecord(r io.Reader) (release string, refused map[string]bool, err error) {
	data, err := gzip.NewReader(r)
	if err != nil {
		return "", nil, err
	}
	lines := bufio.NewScanner(data)
	if !lines.Scan() {
		return "", nil, errors.New("empty")
	}
	release, refused = lines.Text(), map[string]bool{}
	for lines.Scan() {
		verdict, name, ok := strings.Cut(lines.Text(), " ")
		if !ok || verdict != "refuses" && verdict != "takes" {
			return "", nil, fmt.Errorf("unknown line %q", lines.Text())
		}
		refused[name] = verdict == "refuses"
	}
	return release, refused, lines.Err()
}

// hash decides which mistakes are in a sample: the same ones each time.
func hash(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return h.Sum32()
}
