package problem

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestFault(t *testing.T) {
	kind := errors.New("no access")
	cause := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}
	err := fmt.Errorf("deploy: %w", &Fault{Refuse("log in", "the door is shut"), kind, cause})
	var path *fs.PathError
	if !errors.Is(err, kind) || !errors.Is(err, fs.ErrPermission) || !errors.As(err, &path) || errors.Is(err, fs.ErrExist) {
		t.Error("kind or cause is not seen, or what it is not is")
	}
	if all := All(err); len(all) != 1 || all[0].Hint != "log in" || ExitStatus(err) != ExitRefused {
		t.Errorf("shown as %v", All(err))
	}
	if bare := (&Fault{Problem: New("", "x")}); errors.Is(bare, kind) || errors.As(error(bare), &path) {
		t.Error("a fault without kind and cause is something")
	}
}
