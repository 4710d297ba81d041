package testmain

import "syscall"

// memory returns the folder that is in memory, if enough is free in it and programs may be run
// from it, which tests build; "" otherwise.
func memory() string {
	const dir, noExec = "/dev/shm", 8 // ST_NOEXEC of statfs(2)
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Flags&noExec != 0 || fs.Bavail*uint64(fs.Bsize) < needed {
		return ""
	}
	return dir
}
