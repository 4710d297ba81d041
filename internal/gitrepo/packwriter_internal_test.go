package gitrepo

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// TestWritePack reads packs of objects whose sizes are at the ends of what so many bytes hold.
func TestWritePack(t *testing.T) {
	t.Parallel()
	var objects []plumbing.EncodedObject
	want := map[string]bool{}
	for _, size := range []int{0, 1, 15, 16, 2047, 2048, 262143, 262144, 16} { // the last one is there already
		o := &plumbing.MemoryObject{}
		o.SetType(plumbing.BlobObject)
		text := strings.Repeat("x", size)
		if _, err := o.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
		want[text] = true
	}
	var pack bytes.Buffer
	if err := writePack(&pack, objects); err != nil {
		t.Fatal(err)
	}
	scanner := packfile.NewScanner(&pack)
	_, count, err := scanner.Header()
	if err != nil || int(count) != len(want) {
		t.Fatalf("got %d objects, %v, want %d", count, err, len(want))
	}
	for range count {
		h, err := scanner.NextObjectHeader()
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		if _, _, err := scanner.NextObject(&content); err != nil || h.Type != plumbing.BlobObject || h.Length != int64(content.Len()) || !want[content.String()] {
			t.Errorf("got a %s of %d bytes for %d, %v", h.Type, content.Len(), h.Length, err)
		}
		delete(want, content.String())
	}
	if _, err := scanner.Checksum(); err != nil || len(want) > 0 {
		t.Errorf("got %v, and %d objects are missing", err, len(want))
	}
}
