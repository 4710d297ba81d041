package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Kinds of faults of a server.
const (
	refused = "answered 500"    // before anything was done
	lost    = "lost the answer" // after it was done
	cut     = "cut the answer"  // in its middle, after it was done
	slow    = "were slow"       // by up to slowest
	slowest = 3 * time.Second
)

// faults has a share of the requests to a server go wrong, each kind as often as the others.
type faults struct {
	next  http.Handler
	share float64 // of the requests, 0 to 1

	lock   sync.Mutex
	counts map[string]int
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rand.Float64() >= f.share {
		f.next.ServeHTTP(w, r)
		return
	}
	kind := []string{refused, lost, cut, slow}[rand.IntN(4)]
	f.lock.Lock()
	f.counts[kind]++
	f.lock.Unlock()
	switch kind {
	case refused:
		http.Error(w, "try again later", http.StatusInternalServerError)
	case slow:
		time.Sleep(rand.N(slowest))
		f.next.ServeHTTP(w, r)
	case lost:
		f.next.ServeHTTP(&truncated{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case cut:
		f.next.ServeHTTP(&truncated{w: w, header: w.Header(), left: 100}, r)
		panic(http.ErrAbortHandler)
	}
}

// taken returns what was counted since it was last asked.
func (f *faults) taken() map[string]int {
	f.lock.Lock()
	defer f.lock.Unlock()
	counts := f.counts
	f.counts = map[string]int{}
	return counts
}

// truncated passes on the first bytes of an answer; nothing at all without w.
type truncated struct {
	w      http.ResponseWriter
	header http.Header
	left   int
}

func (t *truncated) Header() http.Header { return t.header }

func (t *truncated) WriteHeader(status int) {
	if t.w != nil {
		t.w.WriteHeader(status)
	}
}

func (t *truncated) Write(b []byte) (int, error) {
	if n := min(len(b), t.left); t.w != nil && n > 0 {
		t.left -= n
		if _, err := t.w.Write(b[:n]); err != nil {
			return 0, err
		}
		if flusher, ok := t.w.(http.Flusher); ok {
			flusher.Flush()
		}
	}
	return len(b), nil
}

// withFaults returns a handler of which a share of the requests goes wrong: "0.1" is a tenth.
func withFaults(next http.Handler, share string) (*faults, error) {
	n, err := strconv.ParseFloat(share, 64)
	if err != nil || n < 0 || n > 1 {
		return nil, fmt.Errorf("a share of requests is a number from 0 to 1, not %q", share)
	}
	return &faults{next: next, share: n, counts: map[string]int{}}, nil
}
