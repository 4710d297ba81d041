package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"k8srepo/internal/gitrepo/gittest"
)

// traffic is what a server of repositories answered.
type traffic struct {
	Requests, Up, Down int            // Up and Down in bytes
	Faults             map[string]int `json:",omitempty"` // by kind
}

// serve serves the repositories in a folder by git's smart HTTP. Each request is delayed by
// the latency, and a share of them, from 0 to 1, gets a fault. The last argument says who
// answers the requests that read: git, or this process (see gittest.Backend). It prints its
// URL; /traffic below it returns the traffic since it was last asked.
func serve(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: bench serve FOLDER LATENCY FAULTS git|itself")
	}
	latency, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	backend := gittest.Backend{Root: args[0]}
	if args[3] == byItself {
		backend.Objects = &sync.Map{}
	}
	var lock sync.Mutex
	var sum traffic
	add := func(t traffic) {
		lock.Lock()
		defer lock.Unlock()
		sum.Requests, sum.Up, sum.Down = sum.Requests+t.Requests, sum.Up+t.Up, sum.Down+t.Down
	}
	faults, err := withFaults(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		time.Sleep(latency)
		counted := &counter{ResponseWriter: w}
		backend.ServeHTTP(counted, r)
		add(traffic{Requests: 1, Up: len(body), Down: counted.n})
	}), args[2])
	if err != nil {
		return err
	}
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/traffic" {
			faults.ServeHTTP(w, r)
			return
		}
		lock.Lock()
		defer lock.Unlock()
		sum.Faults = faults.taken()
		json.NewEncoder(w).Encode(sum)
		sum = traffic{}
	}))
}

// counter counts the bytes of an answer.
type counter struct {
	http.ResponseWriter
	n int
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n += n
	return n, err
}

// server is serve, as a process of its own: memory and processor time are not those
// of what is measured.
type server struct {
	process *exec.Cmd
	url     string
}

// Who answers the requests that read.
const (
	byGit    = "git"
	byItself = "itself"
)

func startServer(dir string, latency time.Duration, faults float64, reads string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{process: exec.Command(self, "serve", dir, latency.String(), fmt.Sprint(faults), reads)}
	s.process.Stderr = os.Stderr
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	if _, err = fmt.Fscanln(out, &s.url); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) stop() {
	s.process.Process.Kill()
	s.process.Wait()
}

// traffic returns the traffic since it was last asked.
func (s *server) traffic() (t traffic, err error) {
	res, err := http.Get(s.url + "/traffic")
	if err != nil {
		return t, err
	}
	defer res.Body.Close()
	return t, json.NewDecoder(res.Body).Decode(&t)
}
