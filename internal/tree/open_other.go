//go:build !linux && !darwin

package tree

func (e Entry) openFile() (opened, error) { return e.here.Open(e.entry.Name()) }
