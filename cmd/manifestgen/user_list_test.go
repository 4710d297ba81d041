package main

import (
	"slices"
	"testing"

	"k8srepo/internal/manifest"
)

// TestUserListFindsSecrets: an ExternalSecret names keys one by one, and as wholes.
func TestUserListFindsSecrets(t *testing.T) {
	file, err := manifest.Parse("x.yaml", []byte(`spec:
  data: [{secretKey: A, remoteRef: {key: dev/a}}, {secretKey: B, remoteRef: {key: dev/b}}]
  dataFrom: [{extract: {key: dev/all}}]
  target: {template: {data: {key: text}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	documents, err := file.Values()
	if err != nil {
		t.Fatal(err)
	}
	var r userResult
	r.refersTo(documents[0])
	if want := []string{"dev/a", "dev/b", "dev/all"}; !slices.Equal(r.Secrets, want) {
		t.Errorf("got %q, want %q", r.Secrets, want)
	}
}
