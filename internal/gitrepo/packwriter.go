package gitrepo

import (
	"crypto/sha1" // it is Git's
	"encoding/binary"
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/utils/sync"
)

// writePack writes a pack of objects, each whole and once.
func writePack(w io.Writer, objects []plumbing.EncodedObject) error {
	seen := map[Hash]bool{}
	var once []plumbing.EncodedObject
	for _, o := range objects {
		if !seen[o.Hash()] {
			seen[o.Hash()] = true
			once = append(once, o)
		}
	}
	sum := sha1.New()
	out := io.MultiWriter(w, sum)
	header := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(once)))
	if _, err := out.Write(header); err != nil {
		return err
	}
	deflater := sync.GetZlibWriter(out) // a new one takes a megabyte
	defer sync.PutZlibWriter(deflater)
	for _, o := range once {
		if _, err := out.Write(packHeader(o.Type(), o.Size())); err != nil {
			return err
		}
		deflater.Reset(out)
		content, err := o.Reader()
		if err != nil {
			return err
		}
		_, err = io.Copy(deflater, content)
		if err := errors.Join(err, content.Close(), deflater.Close()); err != nil {
			return err
		}
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

// packHeader is what stands before an object in a pack: its type, and its size in groups of seven
// bits, the first of which has four.
func packHeader(kind plumbing.ObjectType, size int64) (header []byte) {
	c := byte(kind)<<4 | byte(size&0x0f)
	for size >>= 4; size > 0; size >>= 7 {
		header = append(header, c|0x80)
		c = byte(size & 0x7f)
	}
	return append(header, c)
}
