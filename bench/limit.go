package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// limit reads every file below a folder and looks for a string in it, with as
// many workers as there are processors: the least that anything can do that has
// to look at all of them. It prints how many files there are, and how many have it.
func limit(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: bench limit FOLDER TEXT")
	}
	files := make(chan string, 1024)
	var lock sync.Mutex
	var readers sync.WaitGroup
	var total, with int
	var failed error
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			n, found, err := search(files, []byte(args[1]))
			lock.Lock()
			defer lock.Unlock()
			total, with, failed = total+n, with+found, firstError(failed, err)
		})
	}
	err := filepath.WalkDir(args[0], func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files <- file
		}
		return err
	})
	close(files)
	readers.Wait()
	fmt.Println(total, with)
	return firstError(err, failed)
}

// search counts the files, and those that have text in them.
func search(files <-chan string, text []byte) (total, with int, failed error) {
	buffer := make([]byte, 0, 64<<10)
	for file := range files {
		var err error
		if buffer, err = readInto(buffer[:0], file); err != nil {
			failed = firstError(failed, err)
		}
		total++
		if bytes.Contains(buffer, text) {
			with++
		}
	}
	return total, with, failed
}

// readInto appends a file's bytes.
func readInto(buffer []byte, name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return buffer, err
	}
	defer file.Close()
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := file.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if err == io.EOF {
			return buffer, nil
		}
		if err != nil {
			return buffer, err
		}
	}
}
