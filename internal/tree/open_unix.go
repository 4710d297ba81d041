//go:build linux || darwin

package tree

import (
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// readFile is an open file that is read once, without what os.File does to wait for
// pipes and sockets: five system calls a file, of ten.
type readFile struct {
	fd   int
	name string
}

// openFile opens a regular file of the folder, and no link: Walk has seen what it is.
// Another entry is opened as the folder's Root does.
func (e Entry) openFile() (opened, error) {
	if !e.Type.IsRegular() {
		return e.here.Open(e.entry.Name())
	}
	name := e.entry.Name()
	for {
		// Not blocking, in case that it is a pipe by now.
		fd, err := unix.Openat(int(e.open.Fd()), name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return &readFile{fd, name}, nil
	}
}

func (f *readFile) Read(p []byte) (int, error) {
	for {
		switch n, err := unix.Read(f.fd, p); {
		case err == unix.EINTR:
		case err != nil:
			return 0, &fs.PathError{Op: "read", Path: f.name, Err: err}
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Stat is os.File's, of a copy of the descriptor.
func (f *readFile) Stat() (fs.FileInfo, error) {
	fd, err := unix.Dup(f.fd)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: f.name, Err: err}
	}
	file := os.NewFile(uintptr(fd), f.name)
	defer file.Close()
	return file.Stat()
}

func (f *readFile) Close() error { return unix.Close(f.fd) }
