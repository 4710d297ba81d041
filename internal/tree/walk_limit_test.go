package tree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8srepo/internal/limit"
)

// TestReadIfIsBounded names the file and the limit.
func TestReadIfIsBounded(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int64{"largest.yaml": limit.MaxFile, "larger.yaml": limit.MaxFile + 1} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	read := 0
	err = Walk(root, ".", func(e Entry) error {
		_, _, err := e.ReadIf(func([]byte) bool { read++; return false })
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "larger.yaml: the file is larger than the limit of 10 MB") || read > 1 {
		t.Errorf("got %v, read %d", err, read)
	}
}
