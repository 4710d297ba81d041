package gittest

import (
	"context"
	"sync"
	"time"

	"k8srepo/internal/httpclient"
)

// Clock is a time that passes only when a test has it pass.
type Clock struct {
	mu     sync.Mutex
	now    time.Duration
	timers map[*timer]bool // those that run
}

// timer calls a function at a time.
type timer struct {
	clock *Clock
	at    time.Duration
	f     func()
}

// AfterFunc starts a timer, as time.AfterFunc does.
func (c *Clock) AfterFunc(d time.Duration, f func()) httpclient.Timer {
	t := &timer{clock: c, f: f}
	t.Reset(d)
	return t
}

// Reset starts the timer anew.
func (t *timer) Reset(d time.Duration) (ran bool) {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.clock.timers == nil {
		t.clock.timers = map[*timer]bool{}
	}
	ran = t.clock.timers[t]
	t.at, t.clock.timers[t] = t.clock.now+d, true
	return ran
}

// Stop stops the timer.
func (t *timer) Stop() (ran bool) {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	ran = t.clock.timers[t]
	delete(t.clock.timers, t)
	return ran
}

// Pass has time pass, and calls what it was set for.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	c.now += d
	var due []*timer
	for t := range c.timers {
		if t.at <= c.now {
			due = append(due, t)
			delete(c.timers, t)
		}
	}
	c.mu.Unlock()
	for _, t := range due {
		t.f()
	}
}

// Now returns how much time has passed.
func (c *Clock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Expiring is a context whose deadline comes when a test says so.
type Expiring struct {
	context.Context
	done   chan struct{}
	expire sync.Once
}

// NewExpiring returns such a context.
func NewExpiring(parent context.Context) *Expiring {
	return &Expiring{Context: parent, done: make(chan struct{})}
}

// Expire has the deadline come.
func (e *Expiring) Expire() { e.expire.Do(func() { close(e.done) }) }

// Done is closed once the deadline has come.
func (e *Expiring) Done() <-chan struct{} { return e.done }

// Err is context.DeadlineExceeded from then on.
func (e *Expiring) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
