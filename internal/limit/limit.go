// Package limit bounds how much is read of one input: a file, a pack, a server's answer.
//
// All input is read through it. An input that is too large is an error that names the limit, and
// does not fill the memory.
package limit

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
)

// The limits, in bytes.
const (
	MaxFile   = 10 << 20  // one file: a manifest, a template, an inventory
	MaxPack   = 256 << 20 // one pack of Git objects, as it is sent and as it unpacks
	MaxAnswer = 64 << 20  // any other answer of a server
)

// MaxEntries is how many entries, in all folders of one commit, are read at most.
const MaxEntries = 1_000_000

// Error says that an input is over a limit.
type Error struct {
	What string // with its article: "the pack"
	Max  int64
	Unit string // what Max counts; "" is bytes
}

func (e *Error) Error() string {
	if e.Unit != "" {
		return fmt.Sprintf("%s is over the limit of %d %s", e.What, e.Max, e.Unit)
	}
	return fmt.Sprintf("%s is larger than the limit of %s", e.What, Size(e.Max))
}

// Size returns a number of bytes for people: "10 MB".
func Size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// Reader reads from another reader, up to a limit.
type Reader struct {
	r    io.Reader
	left int64
	err  *Error
}

// NewReader returns a reader of r that ends in an *Error once there are more than max
// bytes. What names r in that error.
func NewReader(r io.Reader, max int64, what string) *Reader {
	return &Reader{r, max, &Error{What: what, Max: max}}
}

// Over returns the *Error that the reader has ended in, or nil. It is for callers that hand the
// reader to a library whose errors keep only the text of an error, such as a decoder's.
func (l *Reader) Over() error {
	if l.left < 0 {
		return l.err
	}
	return nil
}

func (l *Reader) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, l.err
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1] // one more than is left shows that there is more
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		return n - 1, l.err
	}
	return n, err
}

// ReadAll reads r to its end, or to an *Error.
func ReadAll(r io.Reader, max int64, what string) ([]byte, error) {
	return io.ReadAll(NewReader(r, max, what))
}

// ReadFile reads a file of at most MaxFile bytes. For a longer one it returns an *fs.PathError
// with an *Error in it. The caller must not change the bytes: a file system in memory keeps them.
func ReadFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int64(0)
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	if size > MaxFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: FileError("the file")}
	}
	if whole, ok := f.(interface{ Bytes() []byte }); ok {
		return whole.Bytes(), nil // it is in memory already
	}
	var data bytes.Buffer
	data.Grow(int(size) + bytes.MinRead)
	if _, err := data.ReadFrom(NewReader(f, MaxFile, "the file")); err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data.Bytes(), nil
}

// FileError returns the error of a file that is larger than MaxFile; what names it.
func FileError(what string) *Error { return &Error{What: what, Max: MaxFile} }
