package manifest_test

import (
	"testing"

	"k8srepo/internal/manifest"
)

func TestEncodeStrings(t *testing.T) {
	values := []string{"1f0c9ae", "1234567", "1e3", "no", "a: b", "x # y", "two\nlines", "", "it's \"quoted\"", "- x", "2026-11-26"}
	var entries []manifest.Entry
	for _, v := range values {
		entries = append(entries, manifest.Entry{Key: "k" + v, Value: v})
	}
	f, err := manifest.Parse("hold.yaml", manifest.EncodeStrings(entries...))
	if err != nil {
		t.Fatal(err)
	}
	docs, err := f.Values()
	if err != nil || len(docs) != 1 {
		t.Fatalf("%d documents, %v", len(docs), err)
	}
	for i, field := range docs[0].Fields {
		if field.Value.Text != values[i] || field.Key.Text != "k"+values[i] || field.Value.Kind != manifest.String {
			t.Errorf("got %s: %q (%v), want %q", field.Key.Text, field.Value.Text, field.Value.Kind, values[i])
		}
	}
}
