package problem

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestPlaceString(t *testing.T) {
	for _, c := range []struct {
		place Place
		want  string
	}{
		{Place{File: "users.yaml"}, "users.yaml"},
		{Place{File: "users.yaml", Line: 3}, "users.yaml:3"},
		{Place{File: "users.yaml", Line: 3, Col: 7}, "users.yaml:3:7"},
	} {
		if got := c.place.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestExitStatus(t *testing.T) {
	no, trouble := Refuse("", "drift"), New("", "broken")
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"nil is done":                 {nil, ExitDone},
		"a refusal is no":             {no, ExitRefused},
		"a wrapped refusal is no":     {fmt.Errorf("x: %w", no), ExitRefused},
		"refusals together are no":    {List{no, no}, ExitRefused},
		"one trouble outweighs a no":  {List{no, trouble}, ExitTrouble},
		"any other error is trouble":  {errors.New("disk full"), ExitTrouble},
		"joined errors are looked at": {errors.Join(no, errors.New("disk full")), ExitTrouble},
	} {
		if got := ExitStatus(c.err); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestListSortsByPlaceAndDropsRepetitions(t *testing.T) {
	a := At(Place{"a", 2, 1}, "", "first")
	b := At(Place{"a", 10, 1}, "", "second")
	c := At(Place{"b", 1, 1}, "", "third")
	err := List{c, b, a, At(b.Place, "", "second")}.Err()
	want := "a:2:1: first\na:10:1: second\nb:1:1: third"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if err := (List{}).Err(); err != nil {
		t.Errorf("an empty list is an error: %v", err)
	}
}

// TestListErrLeavesTheListAsItIs makes an error of a list, and adds to the list after that.
func TestListErrLeavesTheListAsItIs(t *testing.T) {
	list := List{At(Place{"b", 1, 1}, "", "second"), At(Place{"b", 1, 1}, "", "second"), At(Place{"a", 1, 1}, "", "first")}
	_ = list.Err()
	list.Add(New("", "third"))
	if got, want := list.Error(), "b:1:1: second\nb:1:1: second\na:1:1: first\nthird"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"replicas", "routing", "resources", "web", "api", "x"}
	for word, want := range map[string]string{
		"replcas":  "replicas",
		"repilcas": "replicas",
		"wbe":      "web",
		"Web":      "web",
		"ap":       "api",
		"y":        "x",
		"zzz":      "",
		"":         "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestAPlaceIsOneLineThatATerminalDoesNotObey(t *testing.T) {
	p := Place{File: "a\n::error::\x1b[2J.yaml", Line: 4, Col: 2}
	if got, want := p.String(), `"a\n::error::\x1b[2J.yaml":4:2`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestWrappedProblemKeepsTheText wraps problems as fmt.Errorf does.
func TestWrappedProblemKeepsTheText(t *testing.T) {
	at := At(Place{"a.yaml", 3, 1}, "do", "wrong")
	for want, err := range map[string]error{
		"commit: sign: wrong":          fmt.Errorf("commit: %w", fmt.Errorf("sign: %w", at)),
		"commit: wrong (user x)":       fmt.Errorf("commit: %w (user x)", at),
		"commit: wrong|commit: broken": fmt.Errorf("commit: %w", List{at, New("", "broken")}),
		"wrong|push: broken":           errors.Join(at, fmt.Errorf("push: %w", New("", "broken"))),
		"read x: wrong":                &fs.PathError{Op: "read", Path: "x", Err: at},
		"wrong":                        &Fault{Problem: at},
	} {
		var got []string
		for _, p := range All(err) {
			got = append(got, p.Message)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	// What wraps a problem may have the problem's text in itself.
	inner := At(Place{File: "x"}, "", "y")
	for want, err := range map[string]error{
		"x: y: y":              fmt.Errorf("x: y: %w", inner),
		"y, and not x: y here": fmt.Errorf("%w, and not x: y here", inner),
		"x: y: x: y: y":        fmt.Errorf("x: y: %w", fmt.Errorf("x: y: %w", inner)),
		"not x: y: y twice":    fmt.Errorf("not x: y: %w twice", inner),
	} {
		if got := All(err)[0].Message; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if p := All(fmt.Errorf("commit: %w", at))[0]; p.Place != at.Place || p.Hint != "do" || at.Message != "wrong" {
		t.Errorf("got %+v, of %+v", p, at)
	}
}
