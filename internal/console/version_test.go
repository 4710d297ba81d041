package console

import (
	"runtime/debug"
	"testing"
)

func TestVersionOf(t *testing.T) {
	for _, test := range []struct {
		name, want string
		info       debug.BuildInfo
	}{
		{"a release", "v1.2.0 (commit 0123abc, go1.26.0)", debug.BuildInfo{
			GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.0"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.modified", Value: "false"}},
		}},
		{"a clone with changes", "v1.2.0+dirty (commit 0123abc, with changes, go1.26.0)", debug.BuildInfo{
			GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.0+dirty"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.modified", Value: "true"}},
		}},
		{"a folder without history", "development version (commit unknown, go1.26.0)", debug.BuildInfo{
			GoVersion: "go1.26.0", Main: debug.Module{Version: "(devel)"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := versionOf(&test.info); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
