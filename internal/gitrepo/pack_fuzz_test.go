package gitrepo

import (
	"bytes"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/memory"

	"k8srepo/internal/limit"
)

// FuzzPack reads packs that are damaged in every way: an error, or objects that are what
// their names say, and never more of them than the limit.
func FuzzPack(f *testing.F) {
	empty := func() *Remote {
		return &Remote{store: memory.NewStorage(), trees: map[Hash]*tree{}, bounds: bounds{pack: limit.MaxPack}}
	}
	store := memory.NewStorage()
	var hashes []Hash
	for _, text := range []string{"image: api:1\n", "image: api:2\n", "image: api:1\nimage: api:2\n"} {
		o := &plumbing.MemoryObject{}
		o.SetType(plumbing.BlobObject)
		o.Write(bytes.Repeat([]byte(text), 20))
		h, err := store.SetEncodedObject(o)
		if err != nil {
			f.Fatal(err)
		}
		hashes = append(hashes, h)
	}
	for _, refDelta := range []bool{true, false} {
		var b bytes.Buffer
		if _, err := packfile.NewEncoder(&b, store, refDelta).Encode(hashes, 10); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
		r := empty()
		if err := r.readPack(f.Context(), &b); err != nil || len(r.store.Objects) != len(hashes) {
			f.Fatalf("undamaged: %d objects, %v", len(r.store.Objects), err)
		}
	}
	f.Fuzz(func(t *testing.T, pack []byte) {
		r := empty()
		err := r.readPack(t.Context(), bytes.NewReader(pack))
		total := int64(0)
		for h, o := range r.store.Objects {
			content, _ := r.object(o.Type(), h)
			if plumbing.ComputeHash(o.Type(), content) != h {
				t.Errorf("%s is another object", h)
			}
			total += o.Size()
		}
		if total > limit.MaxPack {
			t.Errorf("%d bytes, %v", total, err)
		}
	})
}
