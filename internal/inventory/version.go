package inventory

import (
	"bytes"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// FormatVersion is the version of manifestgen from which on all is there that this
// package reads. A build without a release's version counts as this one.
const FormatVersion = "1.4.0"

// versionRule is how users.yaml says which versions of manifestgen can read it.
var versionRule = lazyregexp.New(`^>= ?v?([0-9]+)\.([0-9]+)(\.([0-9]+))?$`)

// releaseVersion is a version that a release has, such as v1.4.0 or 1.4.0-rc.1.
var releaseVersion = lazyregexp.New(`^v?([0-9]+)\.([0-9]+)(\.([0-9]+))?(-[0-9A-Za-z.-]+)?(\+.*)?$`)

// CheckVersion reports a users.yaml that wants a newer manifestgen than version.
// It reads the key manifestgen: and nothing else, so that what an older binary
// does not know cannot stop it: call it first. What is wrong with the
// file besides is for Load.
func CheckVersion(fsys fs.FS, version string) error {
	wanted, given := wantedVersion(fsys)
	if !given {
		return unquotedVersion(fsys)
	}
	l := &loader{}
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

// unquotedVersion reports a version that is written without quotes, after which
// YAML sees a block of text.
func unquotedVersion(fsys fs.FS) error {
	data, err := manifest.ReadFile(fsys, UsersFile)
	at := unquoted.FindSubmatchIndex(data)
	if err != nil || at == nil {
		return nil
	}
	place := problem.Place{File: UsersFile, Line: 1 + bytes.Count(data[:at[2]], []byte("\n")), Col: 1 + at[2] - at[0]}
	written := string(data[at[2]:at[3]])
	return problem.At(place, fmt.Sprintf("write manifestgen: %q", written), "the version %s needs quotes", written).WithCode(problem.NotValid)
}

var unquoted = lazyregexp.New(`(?m)^manifestgen *: *(>= ?v?[0-9.]+)`)

// versionLine is the key manifestgen: as it is usually written, on a line of its own.
var versionLine = lazyregexp.New(`(?m)^manifestgen *:.*$`)

// wantedVersion reads the key manifestgen: of users.yaml. A file without the word,
// or with the key on a line of its own, is not parsed: it can be large.
func wantedVersion(fsys fs.FS) (wanted manifest.Value, given bool) {
	data, err := manifest.ReadFile(fsys, UsersFile)
	if err != nil || !bytes.Contains(data, []byte("manifestgen")) {
		return manifest.Value{}, false
	}
	for _, text := range [][]byte{onlyLine(data, versionLine), data} {
		f, err := manifest.Parse(UsersFile, text)
		if err != nil {
			continue
		}
		if docs, _ := f.Values(); len(docs) > 0 { // Load reports a key that is there twice
			if wanted, given := docs[0].Get("manifestgen"); given {
				return wanted, true
			}
		}
	}
	return manifest.Value{}, false
}

// onlyLine returns a text in which all lines are empty but the first that matches.
func onlyLine(data []byte, line *lazyregexp.Regexp) []byte {
	at := line.FindIndex(data)
	if at == nil {
		return nil
	}
	before := bytes.Repeat([]byte("\n"), bytes.Count(data[:at[0]], []byte("\n")))
	return append(before, data[at[0]:at[1]]...)
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
