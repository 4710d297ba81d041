//go:build !linux

package tree

import (
	"context"
	"errors"
	"os"
	"runtime"
)

// syncAll waits until the temporary files of changes are on the disk.
func syncAll(root *os.Root, changes []Change, temps []string) error {
	return inFolders(context.Background(), root, changes, runtime.GOMAXPROCS(0), func(f *folder, i int) error {
		file, err := f.here.OpenFile(temps[i], os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(file.Sync(), file.Close())
	})
}
