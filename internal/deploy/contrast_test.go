package deploy

import "testing"

// TestTranslation takes the words of one environment into those of another, wherever they
// stand whole, also side by side.
func TestTranslation(t *testing.T) {
	for _, c := range []struct{ text, word, with, want string }{
		{"api-dev.example.com", "dev", "prod", "api-prod.example.com"},
		{"devel", "dev", "prod", "devel"},
		{"dev/dev-dev", "dev", "prod", "prod/prod-prod"},
		{"prod/prod/api", "prod", "prod-next", "prod-next/prod-next/api"},
		{"a-b-b", "a-b", "b-a", "b-a-b"},
		{"a$1", "a", "$1", "$1$1"},
		{"", "dev", "prod", ""},
	} {
		if got := replaceWord(c.text, c.word, c.with); got != c.want {
			t.Errorf("%s: %s to %s: got %s, want %s", c.text, c.word, c.with, got, c.want)
		}
	}
}
