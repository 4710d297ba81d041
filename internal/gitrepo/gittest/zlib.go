package gittest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/adler32"
	"io"
	"sync"
)

// deflaters are zlib's writers that are free: a new one takes a megabyte, for objects of some
// hundred bytes.
var deflaters = make(chan *zlib.Writer, 4)

// deflate returns text as zlib compresses it.
func deflate(text string) []byte {
	var packed bytes.Buffer
	var w *zlib.Writer
	select {
	case w = <-deflaters:
		w.Reset(&packed)
	default:
		var err error
		if w, err = zlib.NewWriterLevel(&packed, zlib.BestSpeed); err != nil {
			panic(err)
		}
	}
	io.WriteString(w, text)
	w.Close()
	select {
	case deflaters <- w:
	default:
	}
	return packed.Bytes()
}

// stored returns text in zlib's format, and not compressed.
func stored(text []byte) []byte {
	const most = 1<<16 - 1 // of a block
	packed := append(make([]byte, 0, len(text)+len(text)/most*5+11), 0x78, 0x01)
	for rest, last := text, byte(0); last == 0; {
		n := min(len(rest), most)
		if n == len(rest) {
			last = 1
		}
		packed = append(packed, last, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
		packed = append(packed, rest[:n]...)
		rest = rest[n:]
	}
	return binary.BigEndian.AppendUint32(packed, adler32.Checksum(text))
}

// inflaters are zlib's readers, which take 40 kilobytes.
var inflaters sync.Pool

// inflate returns what zlib compressed. It reads no further than it must from a ByteReader.
func inflate(packed io.Reader) ([]byte, error) {
	z, _ := inflaters.Get().(io.ReadCloser)
	var err error
	if z == nil {
		z, err = zlib.NewReader(packed)
	} else {
		err = z.(zlib.Resetter).Reset(packed, nil)
	}
	if err != nil {
		return nil, err
	}
	defer inflaters.Put(z)
	return io.ReadAll(z)
}
