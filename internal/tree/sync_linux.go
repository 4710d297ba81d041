package tree

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncAll waits until what was written below root is on the disk.
func syncAll(root *os.Root, _ []Change, _ []string) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Syncfs(int(dir.Fd())); !errors.Is(err, errors.ErrUnsupported) {
		return os.NewSyscallError("syncfs", err)
	}
	return nil
}
