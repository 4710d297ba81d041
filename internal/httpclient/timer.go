package httpclient

import "time"

// Timer is what AfterFunc returns.
type Timer interface {
	Reset(d time.Duration) bool
	Stop() bool
}

// AfterFunc is time.AfterFunc, for those who can be given another clock.
func AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
