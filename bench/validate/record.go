package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"hash/fnv"
	"os"
)

// recorded is an object and what an API server said of it.
type recorded struct {
	Name    string `json:"name"`
	Refused bool   `json:"refused,omitempty"`
	Text    string `json:"text"`
}

// writeRecord writes the objects and the server's verdicts; those that depend on the cluster are left out.
func writeRecord(file string, documents []document, theirs []answer) (err error) {
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
	lines := json.NewEncoder(compressed)
	for i, d := range documents {
		if !clusterOnly.MatchString(theirs[i].message) {
			err = errors.Join(err, lines.Encode(recorded{d.name, !theirs[i].taken, string(d.text)}))
		}
	}
	return errors.Join(err, compressed.Close(), out.Close())
}

// hash tells which mistakes are in a sample: the same ones each time.
func hash(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return h.Sum32()
}
