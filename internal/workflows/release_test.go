package workflows

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"k8srepo/internal/cmdtest"
)

// snapshotVersion is the tag of the release that the tests install.
const snapshotVersion = "v0.0.1-snapshot"

// goreleaser is the part of .goreleaser.yaml that says what an archive for this
// machine is made of.
type goreleaser struct {
	ProjectName string `json:"project_name"`
	Builds      []struct {
		Main, Binary string
	}
	Archives []struct {
		NameTemplate    string `json:"name_template"`
		Formats         []string
		FormatOverrides []struct {
			Goos    string
			Formats []string
		} `json:"format_overrides"`
		Files []struct{ Src string }
	}
	Checksum struct {
		NameTemplate string `json:"name_template"`
	}
}

// release returns the files of a release, by name: this machine's archive and checksums.txt.
// GORELEASER_DIST names the folder of a snapshot that goreleaser made (see .ci/run); without it
// they are made here in the same way.
var release = sync.OnceValues(func() (map[string][]byte, error) {
	if dist := os.Getenv("GORELEASER_DIST"); dist != "" {
		return readSnapshot(dist)
	}
	return makeSnapshot()
})

func readSnapshot(dist string) (map[string][]byte, error) {
	data, err := os.ReadFile(filepath.Join(dist, "metadata.json"))
	if err != nil {
		return nil, err
	}
	var metadata struct{ Version string }
	if err := json.Unmarshal(data, &metadata); err != nil {
		return nil, err
	}
	if want := strings.TrimPrefix(snapshotVersion, "v"); metadata.Version != want {
		return nil, fmt.Errorf("%s has the version %s; make a snapshot before the first tag, for %s", dist, metadata.Version, want)
	}
	files := map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(dist, "k8srepo_*"))
	if err != nil {
		return nil, err
	}
	for _, name := range append(names, filepath.Join(dist, "checksums.txt")) {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func makeSnapshot() (map[string][]byte, error) {
	top := filepath.Join("..", "..")
	data, err := os.ReadFile(filepath.Join(top, ".goreleaser.yaml"))
	if err != nil {
		return nil, err
	}
	var config goreleaser
	if err := yaml.Unmarshal(data, &config); err != nil {
		return nil, err
	}
	contents, programs := map[string][]byte{}, map[string]string{}
	for _, b := range config.Builds {
		name := b.Binary
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		// The flags of a release change nothing that is tested here.
		if programs[b.Binary], err = program(path.Clean(b.Main)); err != nil {
			return nil, err
		}
		if contents[name], err = inPlaceOf(programs[b.Binary]); err != nil {
			return nil, err
		}
	}
	archive := config.Archives[0]
	completions := map[string][]byte{} // by the shell: one command prints them for both programs
	for _, f := range archive.Files {
		read := func() ([]byte, error) { return os.ReadFile(filepath.Join(top, f.Src)) }
		if script, ok := strings.CutPrefix(f.Src, "completions/"); ok { // a hook has the program print it
			command, shell, _ := strings.Cut(script, ".")
			if programs[command] == "" {
				return nil, fmt.Errorf("%s is of no program", f.Src)
			}
			read = func() (text []byte, err error) {
				if completions[shell] == nil {
					completions[shell], err = exec.Command(programs["tagbump"], "completion", shell).Output()
				}
				return completions[shell], err
			}
		}
		if contents[f.Src], err = read(); err != nil {
			return nil, err
		}
	}
	format := archive.Formats[0]
	for _, o := range archive.FormatOverrides {
		if o.Goos == runtime.GOOS {
			format = o.Formats[0]
		}
	}
	name := strings.NewReplacer("{{ .ProjectName }}", config.ProjectName, "{{ .Version }}", strings.TrimPrefix(snapshotVersion, "v"),
		"{{ .Os }}", runtime.GOOS, "{{ .Arch }}", runtime.GOARCH).Replace(archive.NameTemplate) + "." + format
	packed, err := pack(format, contents)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		name:                         packed,
		config.Checksum.NameTemplate: fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(packed), name),
	}, nil
}

// program builds a command, such as cmd/tagbump, once for all tests.
func program(command string) (string, error) {
	build, _ := built.LoadOrStore(command, sync.OnceValues(func() (string, error) { return cmdtest.Program("k8srepo/" + command) }))
	return build.(func() (string, error))()
}

var built sync.Map

// inPlaceOf returns a small program that starts another one: an archive of the commands themselves
// has 150 MB, which each test would download, check and unpack. It says its version itself: each step
// that installs it asks, and the other takes a while to start. On Windows it is the other itself.
func inPlaceOf(program string) ([]byte, error) {
	if runtime.GOOS == "windows" {
		return os.ReadFile(program)
	}
	return []byte("#!/bin/sh\nif [ \"$*\" = --version ]; then echo " + filepath.Base(program) + " version " + snapshotVersion + "; exit; fi\nexec '" + program + "' \"$@\"\n"), nil
}

// pack returns an archive of files, by their names in it: a zip, or else a tar.gz.
func pack(format string, contents map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	names := slices.Sorted(maps.Keys(contents))
	if format == "zip" {
		w := zip.NewWriter(&b)
		for _, name := range names {
			f, err := w.Create(name)
			if err != nil {
				return nil, err
			}
			if _, err := f.Write(contents[name]); err != nil {
				return nil, err
			}
		}
		return b.Bytes(), w.Close()
	}
	gz, _ := gzip.NewWriterLevel(&b, gzip.NoCompression)
	w := tar.NewWriter(gz)
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(contents[name])), ModTime: time.Unix(0, 0)}); err != nil {
			return nil, err
		}
		if _, err := w.Write(contents[name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err := gz.Close()
	return b.Bytes(), err
}

// releaseServer serves the release as GitHub does. What replace names is served
// in place of the release's own file; a nil is not there.
func releaseServer(t *testing.T, replace ...map[string][]byte) *httptest.Server {
	t.Helper()
	files, err := release()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, "/example/k8srepo/releases/download/"+snapshotVersion+"/")
		if r.Header.Get("Authorization") != "" {
			t.Errorf("a token is sent for a public release")
		}
		data := files[name]
		for _, m := range replace {
			if other, replaced := m[name]; replaced {
				data = other
			}
		}
		if !ok || data == nil {
			http.NotFound(w, r)
			return
		}
		w.Write(data)
	}))
	t.Cleanup(server.Close)
	return server
}

// archiveName returns the name of this machine's archive.
func archiveName(t *testing.T) string {
	t.Helper()
	name := "k8srepo_" + strings.TrimPrefix(snapshotVersion, "v") + "_" + runtime.GOOS + "_" + runtime.GOARCH
	if runtime.GOOS == "windows" {
		return name + ".zip"
	}
	return name + ".tar.gz"
}

// TestInstall: what is not the release's own archive is not installed.
func TestInstall(t *testing.T) {
	archive := archiveName(t)
	actions := actionsWith(t, snapshotVersion)
	for _, test := range []struct {
		name    string
		replace map[string][]byte
		want    string // "": it is installed
	}{
		{"whole", nil, ""},
		{"another archive", map[string][]byte{archive: []byte("evil")}, archive + " of " + snapshotVersion + " has the checksum "},
		{"no archive", map[string][]byte{archive: nil}, "cannot be downloaded"},
		{"no checksums", map[string][]byte{"checksums.txt": nil}, "cannot be downloaded"},
		{"checksums of other files", map[string][]byte{"checksums.txt": []byte("00  x" + archive + "\n00  other\n")}, "does not name " + archive},
	} {
		t.Run(test.name, func(t *testing.T) {
			job := newRunner(t, t.TempDir())
			job.github["server_url"] = releaseServer(t, test.replace).URL
			got := job.use(filepath.Join(actions, "manifestgen"), map[string]string{"command": "install"})
			if got.failed != (test.want != "") || !strings.Contains(got.log, test.want) {
				t.Errorf("failed: %v, want %q in\n%s", got.failed, test.want, got.log)
			}
			out, failed := job.shell("manifestgen --version && tagbump --version", nil)
			if failed != got.failed {
				t.Errorf("later steps find the commands: %v, %v\n%s", !failed, out, job.log)
			}
		})
	}
}
