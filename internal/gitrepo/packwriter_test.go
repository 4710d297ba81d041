package gitrepo_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
)

// packWriter writes a pack, object by object.
type packWriter struct {
	bytes.Buffer
	count uint32
}

// Types of objects in a pack.
const (
	commitType   = 1
	treeType     = 2
	blobType     = 3
	ofsDeltaType = 6
	refDeltaType = 7
)

// header begins an object, and returns where.
func (p *packWriter) header(kind byte, size int) int {
	at := p.Len()
	p.count++
	b := kind<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		p.WriteByte(b | 0x80)
		b = byte(size & 0x7f)
	}
	p.WriteByte(b)
	return at
}

func (p *packWriter) object(kind byte, data []byte) (hash string) {
	p.header(kind, len(data))
	p.deflate(data)
	name := map[byte]string{commitType: "commit", treeType: "tree", blobType: "blob"}[kind]
	return fmt.Sprintf("%x", sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", name, len(data)), data...)))
}

func (p *packWriter) deflate(data []byte) {
	z, _ := zlib.NewWriterLevel(p, zlib.BestSpeed)
	z.Write(data)
	z.Close()
}

// zeros adds a blob of so many mebibytes of zeros: one deflated mebibyte, over and over.
func (p *packWriter) zeros(mebibytes int) {
	p.header(blobType, mebibytes<<20)
	var block bytes.Buffer
	z, _ := flate.NewWriter(&block, flate.BestCompression)
	z.Write(make([]byte, 1<<20))
	z.Flush()
	p.Write([]byte{0x78, 0x9c})
	p.Write(bytes.Repeat(block.Bytes(), mebibytes))
	p.Write([]byte{1, 0, 0, 0xff, 0xff})                 // an empty last block
	n := uint32(mebibytes << 20 % 65521)                 // Adler-32 of zeros
	p.Write(binary.BigEndian.AppendUint32(nil, n<<16|1)) // of n zeros, b is n
}

// bytes is the whole pack.
func (p *packWriter) bytes() []byte {
	whole := append([]byte("PACK"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 2), p.count)...)
	whole = append(whole, p.Bytes()...)
	sum := sha1.Sum(whole)
	return append(whole, sum[:]...)
}

// size is a number as a delta has it.
func size(n int) (b []byte) {
	for ; n > 0x7f; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// copyAll is a delta that makes times copies of a base of n bytes.
func copyAll(n, times int) []byte {
	d := append(size(n), size(n*times)...)
	for range times {
		for at := 0; at < n; at += 0xffff {
			part := min(0xffff, n-at)
			d = append(d, 0x80|0x0f|0x30, byte(at), byte(at>>8), byte(at>>16), byte(at>>24), byte(part), byte(part>>8))
		}
	}
	return d
}

// treeOf is a tree of blobs ("100644") or trees ("40000").
func treeOf(mode string, entries ...string) (data []byte) {
	for i := 0; i < len(entries); i += 2 {
		data = fmt.Appendf(data, "%s %s\x00", mode, entries[i])
		var hash [20]byte
		fmt.Sscanf(entries[i+1], "%x", (*hexBytes)(&hash))
		data = append(data, hash[:]...)
	}
	return data
}

type hexBytes [20]byte

func (h *hexBytes) Scan(s fmt.ScanState, _ rune) error {
	for i := range h {
		if _, err := fmt.Fscanf(s, "%02x", &h[i]); err != nil {
			return err
		}
	}
	return nil
}
