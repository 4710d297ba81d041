package main

import (
	"errors"
	"hash/fnv"
	"os"

	"k8srepo/internal/validate/mistakes"
)

// writeRecord writes the server's verdicts to a file, to none where its name is "". Those that
// depend on the cluster are left out.
func writeRecord(file, release string, documents []mistakes.Document, theirs []answer) error {
	if file == "" {
		return nil
	}
	record := mistakes.Record{Release: release, Refused: map[string]bool{}}
	for i, d := range documents {
		if !clusterOnly.MatchString(theirs[i].message) {
			record.Refused[d.Name] = !theirs[i].taken
		}
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(record.Write(out), out.Close())
}

// hash decides which mistakes are in a sample: the same ones each time.
func hash(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return h.Sum32()
}
