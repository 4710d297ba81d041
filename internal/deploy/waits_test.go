package deploy

import (
	"testing"
	"time"
)

// TestWaits: waits grow with the load of the server, and not with one answer that was slow.
func TestWaits(t *testing.T) {
	const race, failure = true, false
	type attempt struct {
		raceLost bool
		took     time.Duration
	}
	for _, c := range []struct {
		name     string
		attempts []attempt
		want     time.Duration
	}{
		{"the first failure", []attempt{{failure, time.Second}}, 100 * time.Millisecond},
		{"failures double it", []attempt{{failure, 0}, {failure, 0}, {failure, 0}}, 400 * time.Millisecond},
		{"a race that is lost at once", []attempt{{race, 20 * time.Millisecond}}, 100 * time.Millisecond},
		{"races on a busy server", []attempt{{race, time.Second}, {race, 2 * time.Second}, {race, 3 * time.Second}}, 8 * time.Second},
		{"never more than 16 attempts' time", []attempt{{race, time.Second}, {race, time.Second}, {race, time.Second}, {race, time.Second}, {race, time.Second}, {race, time.Second}}, 16 * time.Second},
		{"a slow answer among quick ones", []attempt{{race, 50 * time.Millisecond}, {race, 3 * time.Second}}, 200 * time.Millisecond},
		{"quick attempts wait at most 8 seconds", []attempt{{race, 0}, {race, 0}, {race, 0}, {race, 0}, {race, 0}, {race, 0}, {race, 0}, {race, 0}, {race, 0}}, 8 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, got := attempts{}, time.Duration(0)
			for _, one := range c.attempts {
				a.begin()
				got = a.longest(t.Context(), one.raceLost, one.took)
			}
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
