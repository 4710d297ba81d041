package inventory

import (
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// FormatVersion is the version of manifestgen from which on all is there that this
// package reads. A build without a release's version counts as this one.
const FormatVersion = "1.4.0"

// versionRule is how users.yaml says which versions of manifestgen can read it.
var versionRule = regexp.MustCompile(`^>= ?v?([0-9]+)\.([0-9]+)(\.([0-9]+))?$`)

// releaseVersion is a version that a release has, such as v1.4.0 or 1.4.0-rc.1.
var releaseVersion = regexp.MustCompile(`^v?([0-9]+)\.([0-9]+)(\.([0-9]+))?(-[0-9A-Za-z.-]+)?(\+.*)?$`)

// CheckVersion reports a users.yaml that wants a newer manifestgen than version.
// It reads the key manifestgen: and nothing else, so that what an older binary
// does not know cannot stand in its way: call it first. What is wrong with the
// file besides is for Load.
func CheckVersion(fsys fs.FS, version string) error {
	l := &loader{fsys: fsys}
	wanted, given := l.document(UsersFile, false, "").Get("manifestgen")
	if !given {
		return nil
	}
	l = &loader{}
	l.minimumVersion(wanted)
	if err := l.problems.Err(); err != nil {
		return err
	}
	have := releaseVersion.FindStringSubmatch(version)
	if have == nil || have[1]+have[2]+have[4] == "000" { // Go's v0.0.0-DATE-COMMIT
		have = releaseVersion.FindStringSubmatch(FormatVersion)
	}
	want := versionRule.FindStringSubmatch(wanted.Text)
	if older(have, want) {
		return problem.At(wanted.Place, "install a newer manifestgen", "this repository wants manifestgen %s; this is %s", wanted.Text, strings.TrimPrefix(have[0], "v")).WithCode(problem.TooOld)
	}
	return nil
}

// older reports whether a version is older than another, by the parts of their
// patterns; a pre-release is older than its release.
func older(have, want []string) bool {
	for _, part := range []int{1, 2, 4} {
		h, _ := strconv.Atoi(have[part])
		w, _ := strconv.Atoi(want[part])
		if h != w {
			return h < w
		}
	}
	return have[5] != ""
}

// minimumVersion checks how the key manifestgen: is written.
func (l *loader) minimumVersion(v manifest.Value) {
	if v.Kind != manifest.String || !versionRule.MatchString(v.Text) {
		l.report(problem.NotValid, v.Place, `write the oldest version that will do, such as manifestgen: ">=1.4"`, "manifestgen %s is not valid", v)
	}
}
