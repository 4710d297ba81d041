package limit

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
)

func TestReader(t *testing.T) {
	for _, c := range []struct {
		have, max int
		over      bool
	}{{0, 0, false}, {1, 0, true}, {9, 10, false}, {10, 10, false}, {11, 10, true}, {5000, 10, true}} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{"": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "data with the end": iotest.DataErrReader} {
			data := bytes.Repeat([]byte("x"), c.have)
			got, err := ReadAll(wrap(bytes.NewReader(data)), int64(c.max), "the answer")
			var over *Error
			if errors.As(err, &over) != c.over || len(got) != min(c.have, c.max) {
				t.Errorf("%d of %d, %s: got %d bytes and %v", c.have, c.max, name, len(got), err)
			}
			if err != nil && !strings.Contains(err.Error(), "the answer is larger than the limit of") {
				t.Errorf("got %v", err)
			}
		}
	}
}

// TestReaderStays reads on after the limit: there is no more to have.
func TestReaderStays(t *testing.T) {
	r := NewReader(strings.NewReader("abcdef"), 3, "it")
	for range 3 {
		if _, err := io.ReadAll(r); err == nil {
			t.Fatal("it ends")
		}
	}
	if r.Over() == nil || NewReader(nil, 1, "it").Over() != nil {
		t.Error("whether it was too much is not known")
	}
}

func TestReadFile(t *testing.T) {
	files := fstest.MapFS{
		"small":   {Data: []byte("a: 1\n")},
		"largest": {Data: make([]byte, MaxFile)},
		"larger":  {Data: make([]byte, MaxFile+1)},
	}
	for name, want := range map[string]string{
		"small": "", "largest": "", "larger": "read larger: the file is larger than the limit of 10 MB", "none": "open none: file does not exist",
	} {
		data, err := ReadFile(files, name)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want || want == "" && len(data) != len(files[name].Data) {
			t.Errorf("%s: got %d bytes, %q, want %q", name, len(data), got, want)
		}
	}
}

func TestError(t *testing.T) {
	for want, e := range map[string]*Error{
		"the pack is larger than the limit of 256 MB":     {What: "the pack", Max: MaxPack},
		"it is larger than the limit of 4 kB":             {What: "it", Max: 4 << 10},
		"the folder is over the limit of 1000000 entries": {What: "the folder", Max: MaxEntries, Unit: "entries"},
		"it is larger than the limit of 12 bytes":         {What: "it", Max: 12},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
