package gittest

import (
	"bytes"
	"compress/zlib"
	"io"
	"sync"
)

// deflaters are zlib's writers: a new one takes a megabyte, for objects of some hundred bytes.
var deflaters = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(nil, zlib.BestSpeed)
	if err != nil {
		panic(err)
	}
	return w
}}

// deflate returns text as zlib compresses it.
func deflate(text string) []byte {
	w := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(w)
	var packed bytes.Buffer
	w.Reset(&packed)
	io.WriteString(w, text)
	w.Close()
	return packed.Bytes()
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
