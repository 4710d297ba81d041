package problem

import "testing"

func TestCredentials(t *testing.T) {
	for text, want := range map[string]string{
		"https://user:token@example.com/x is wrong":           "https://…@example.com/x is wrong",
		`image "oci://token@r.example/a" and git+ssh://git@h`: `image "oci://…@r.example/a" and git+ssh://…@h`,
		"https://example.com/@scope/x":                        "https://example.com/@scope/x",
		"mail@example.com":                                    "mail@example.com",
	} {
		if got := New(text, "%s", text); got.Message != want || got.Hint != want {
			t.Errorf("got %q, with the hint %q, want %q", got.Message, got.Hint, want)
		}
		if HasCredential(text) != (text != want) {
			t.Errorf("%s: HasCredential is %v", text, HasCredential(text))
		}
	}
}
