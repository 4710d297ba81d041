package gittest

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Packed has the objects that build writes be in a pack, and not in a file each: for histories of
// many commits. Git reads them once build is through.
func (r *Repo) Packed(build func()) {
	r.t.Helper()
	if r.inMemory(func(*memory) {}) {
		build()
		return
	}
	r.batch = map[string]content{}
	build()
	objects := r.batch
	r.batch = nil
	if err := r.writePack(objects); err != nil {
		r.t.Fatal(err)
	}
}

// packs are the packs that this process has written, by the names of their files: sets of hashes.
var packs sync.Map

// packed returns the objects of each pack of the repository. It reports false if there is a pack
// that this process has not written.
func (r *Repo) packed() (sets []map[string]bool, known bool) {
	known = true
	if r.inMemory(func(*memory) {}) {
		return nil, true
	}
	files, _ := os.ReadDir(filepath.Join(r.Folder(), "objects", "pack"))
	for _, file := range files {
		if set, written := packs.Load(file.Name()); written {
			sets = append(sets, set.(map[string]bool))
		} else if _, written := packs.Load(strings.TrimSuffix(file.Name(), ".pack") + ".idx"); !written {
			known = false
		}
	}
	return sets, known
}

// inPack reports whether an object is in one of the packs that this process has written.
func (r *Repo) inPack(hash string) bool {
	info, err := os.Stat(filepath.Join(r.Folder(), "objects", "pack"))
	if err != nil {
		return false
	}
	seen, ok := packFolders.Load(r.Folder())
	if !ok || !seen.(packFolder).at.Equal(info.ModTime()) {
		sets, _ := r.packed()
		seen = packFolder{info.ModTime(), sets}
		packFolders.Store(r.Folder(), seen)
	}
	return slices.ContainsFunc(seen.(packFolder).sets, func(set map[string]bool) bool { return set[hash] })
}

// packFolders are the packs of repositories, by their folders.
var packFolders sync.Map

type packFolder struct {
	at   time.Time // when it was changed last
	sets []map[string]bool
}

// writePack writes a pack of objects, and its index.
func (r *Repo) writePack(objects map[string]content) error {
	hashes := slices.Sorted(maps.Keys(objects))
	pack := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(hashes)))
	var names, sums, offsets []byte
	counts := make([]uint32, 256)
	set := map[string]bool{}
	for _, hash := range hashes {
		name, err := hex.DecodeString(hash)
		if err != nil {
			return err
		}
		at := len(pack)
		pack = appendObject(pack, hash, objects[hash])
		names = append(names, name...)
		sums = binary.BigEndian.AppendUint32(sums, crc32.ChecksumIEEE(pack[at:]))
		offsets = binary.BigEndian.AppendUint32(offsets, uint32(at))
		for first := int(name[0]); first < len(counts); first++ {
			counts[first]++
		}
		set[hash] = true
		contents.Store(hash, objects[hash])
	}
	sum := sha1.Sum(pack)
	var index bytes.Buffer
	index.WriteString("\xfftOc\x00\x00\x00\x02")
	binary.Write(&index, binary.BigEndian, counts)
	for _, part := range [][]byte{names, sums, offsets, sum[:]} {
		index.Write(part)
	}
	all := sha1.Sum(index.Bytes())
	index.Write(all[:])

	name := filepath.Join(r.Folder(), "objects", "pack", fmt.Sprintf("pack-%x", sum))
	packs.Store(filepath.Base(name)+".idx", set)
	if err := writeFile(name+".pack", append(pack, sum[:]...)); err != nil {
		return err
	}
	return writeFile(name+".idx", index.Bytes())
}

// appendObject adds an object to a pack, as a whole.
func appendObject(pack []byte, hash string, o content) []byte {
	size := len(o.raw)
	c := map[string]byte{"commit": 1, "tree": 2, "blob": 3, "tag": 4}[o.kind]<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		pack = append(pack, c|0x80)
		c = byte(size & 0x7f)
	}
	return append(append(pack, c), deflated(hash, o.raw)...)
}
