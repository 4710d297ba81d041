package gitrepo_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/limit"
	"k8srepo/internal/repo"
	"k8srepo/internal/testmain"
)

// evil answers as a Git server does that cannot filter: with one branch, at commit, and
// one pack. Refs, if there are any, are written before the branch.
type evil struct {
	commit   string
	pack     []byte
	refs     func(w io.Writer)
	gzip     bool
	progress bool // for ever, in place of the pack
}

func pkt(line string) string { return fmt.Sprintf("%04x%s", len(line)+4, line) }

func (e *evil) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		var out io.Writer = w
		if e.gzip {
			w.Header().Set("Content-Encoding", "gzip")
			z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
			defer z.Close()
			out = z
		}
		io.WriteString(out, "001e# service=git-upload-pack\n0000"+pkt(e.commit+" HEAD\x00ofs-delta side-band-64k shallow no-progress symref=HEAD:refs/heads/main\n"))
		if e.refs != nil {
			e.refs(out)
		}
		io.WriteString(out, pkt(e.commit+" refs/heads/main\n")+"0000")
		return
	}
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	io.WriteString(w, pkt("shallow "+e.commit)+"0000"+pkt("NAK\n"))
	for e.progress {
		if _, err := io.WriteString(w, pkt("\x02"+strings.Repeat(".", 65000))); err != nil {
			return
		}
	}
	for rest := e.pack; len(rest) > 0; {
		n := min(len(rest), 65000)
		io.WriteString(w, pkt("\x01"+string(rest[:n])))
		rest = rest[n:]
	}
	io.WriteString(w, "0000")
}

func commitOf(tree string) []byte {
	const who = "A <a@example.com> 1767000000 +0000"
	return fmt.Appendf(nil, "tree %s\nauthor %s\ncommitter %s\n\nx\n", tree, who, who)
}

// deltas is a pack of one file and many that copy it over and over.
func deltas(n int) *evil {
	var p packWriter
	base := bytes.Repeat([]byte("x"), 1<<18)
	at := 0
	blob := p.object(blobType, base)
	d := copyAll(len(base), 9)
	for range n {
		here := p.header(ofsDeltaType, len(d))
		p.Write(offset(here - at))
		p.deflate(d)
	}
	tree := p.object(treeType, treeOf("100644", "a", blob))
	return &evil{commit: p.object(commitType, commitOf(tree)), pack: p.bytes()}
}

// offset is the distance to a base as a pack has it.
func offset(n int) []byte {
	b := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		b = append([]byte{byte(n&0x7f) | 0x80}, b...)
	}
	return b
}

// The bounds of these tests. Those of everybody else are package limit's. A pack may have one file
// of limit.MaxFile.
const (
	maxPack    = 12 << 20
	maxAnswer  = 1 << 20
	maxEntries = 10_000
)

// read opens a server's repository, and reads a file of its tip.
func read(t *testing.T, server http.Handler, name string) ([]byte, error) {
	t.Helper()
	fsys, err := filesOf(t, server, maxPack)
	if err != nil {
		return nil, err
	}
	return fsys.ReadFile(name)
}

// filesOf opens a server's repository, and returns the files of its tip.
func filesOf(t *testing.T, server http.Handler, pack int64) (repo.FS, error) {
	t.Helper()
	s := httptest.NewServer(server)
	t.Cleanup(s.Close)
	r := open(t, s.URL+"/k8s", gitrepo.Options{})
	r.SetBounds(pack, maxAnswer, maxEntries)
	tip, err := r.Tip(t.Context(), "main")
	if err != nil {
		return repo.FS{}, err
	}
	return tip.FS(t.Context()), nil
}

// TestBounds meets servers that send little which unpacks to much, or never end: an error
// names the limit, and memory stays within 40 MB.
func TestBounds(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // what a command has: the tests collect less often
	pack, answer, entries := open(t, "https://git.example/k8s", gitrepo.Options{}).Bounds()
	if pack != limit.MaxPack || answer != limit.MaxAnswer || entries != limit.MaxEntries {
		t.Errorf("got the bounds %d, %d, %d", pack, answer, entries)
	}
	zeros := func(mebibytes int) *evil {
		var p packWriter
		p.zeros(mebibytes)
		tree := p.object(treeType, nil)
		return &evil{commit: p.object(commitType, commitOf(tree)), pack: p.bytes()}
	}
	many := func() *evil {
		var p packWriter
		for range 60_000 {
			p.header(blobType, 0)
			p.Write([]byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1})
		}
		return &evil{commit: strings.Repeat("1", 40), pack: p.bytes()}
	}
	for i, c := range []struct {
		name   string
		server func() *evil
		want   string
	}{
		{"a pack of 200 MB of zeros", func() *evil { return zeros(200) }, "limit of 12 MB"},
		{"many files of zeros", func() *evil { return manyZeros(3) }, "limit of 12 MB"},
		{"delta copies", func() *evil { return deltas(40) }, "limit of 12 MB"},
		{"countless empty objects", func() *evil { return many() }, "limit of 12 MB"},
		{"endless references", func() *evil { return &evil{commit: strings.Repeat("1", 40), refs: endless} }, "limit of 1 MB"},
		{"references in a gzip bomb", func() *evil { return &evil{commit: strings.Repeat("1", 40), refs: blank, gzip: true} }, "limit of 1 MB"},
		{"progress that does not end", func() *evil { return &evil{commit: strings.Repeat("1", 40), progress: true} }, "limit of 12 MB"},
		{"a chain of growing deltas", func() *evil { return chain(60) }, "limit of 12 MB"},
		{"a delta of a delta's promise", func() *evil { return promise() }, "limit of 12 MB"},
	} {
		if !testmain.Tried(i) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			server := c.server()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := read(t, server, "a")
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			if _, again := gitrepo.Retry(err); again {
				t.Error("it is asked again")
			}
			if used := (after.Sys - before.Sys) >> 20; used > 40 {
				t.Errorf("%d MB", used)
			}
			t.Logf("%d MB allocated, %d MB more of the system, %v", (after.TotalAlloc-before.TotalAlloc)>>20, (after.Sys-before.Sys)>>20, time.Since(start))
		})
	}
}

// endless writes references without end.
func endless(w io.Writer) {
	for i := 0; ; i++ {
		if _, err := io.WriteString(w, pkt(fmt.Sprintf("%040x refs/heads/%0100d\n", i+1, i))); err != nil {
			return
		}
	}
}

// blank writes long references that pack well.
func blank(w io.Writer) {
	line := pkt(strings.Repeat("0", 40) + " refs/" + strings.Repeat("x", 60_000) + "\n")
	for range 200 {
		io.WriteString(w, line)
	}
}

// manyZeros is a pack of files that are each just within their own limit.
func manyZeros(n int) *evil {
	var p packWriter
	for range n {
		p.zeros(9)
	}
	tree := p.object(treeType, nil)
	return &evil{commit: p.object(commitType, commitOf(tree)), pack: p.bytes()}
}

// chain is a pack in which each object is three times the one before, while a file may be
// so large, and then as large.
func chain(n int) *evil {
	var p packWriter
	at, length := p.Len(), 700
	p.object(blobType, bytes.Repeat([]byte("x"), length))
	for range n {
		times := 3
		if length*times > limit.MaxFile {
			times = 1
		}
		d := copyAll(length, times)
		here := p.header(ofsDeltaType, len(d))
		p.Write(offset(here - at))
		p.deflate(d)
		at, length = here, length*times
	}
	return &evil{commit: strings.Repeat("1", 40), pack: p.bytes()}
}

// promise is a delta that says it makes a terabyte.
func promise() *evil {
	var p packWriter
	p.object(blobType, []byte("xxxx"))
	d := append(append(size(4), size(1<<40)...), 0x90, 4)
	here := p.header(ofsDeltaType, len(d))
	p.Write(offset(here))
	p.deflate(d)
	return &evil{commit: strings.Repeat("1", 40), pack: p.bytes()}
}

// TestLargeFileElsewhere reads a file beside one that is too large: only reading that is
// an error.
func TestLargeFileElsewhere(t *testing.T) {
	var p packWriter
	small := p.object(blobType, []byte("image: api:1\n"))
	largest := p.object(blobType, make([]byte, limit.MaxFile))
	large := p.object(blobType, make([]byte, limit.MaxFile+1))
	tree := p.object(treeType, treeOf("100644", "a", small, "b", large, "c", largest))
	server := &evil{commit: p.object(commitType, commitOf(tree)), pack: p.bytes()}
	fsys, err := filesOf(t, server, 4*limit.MaxFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"a": 13, "c": limit.MaxFile} {
		if got, err := fsys.ReadFile(name); err != nil || len(got) != want {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
	_, err = fsys.ReadFile("b")
	var over *limit.Error
	if !errors.As(err, &over) || !strings.Contains(err.Error(), "b") || !strings.Contains(err.Error(), "limit of 10 MB") {
		t.Errorf("got %v", err)
	}
}

// TestDeltas reads what git itself never sends: differences whose base comes later, or is a
// difference that waits as well.
func TestDeltas(t *testing.T) {
	var base packWriter
	first := base.object(blobType, []byte("abc\n"))
	raw := make([]byte, 20)
	fmt.Sscanf(first, "%x", &raw)
	d := copyAll(4, 2)
	var p packWriter
	here := p.header(refDeltaType, len(d))
	p.Write(raw)
	p.deflate(d)
	d2 := copyAll(8, 2)
	next := p.header(ofsDeltaType, len(d2))
	p.Write(offset(next - here))
	p.deflate(d2)
	p.object(blobType, []byte("abc\n"))
	var names packWriter
	twice, four := names.object(blobType, []byte("abc\nabc\n")), names.object(blobType, []byte(strings.Repeat("abc\n", 4)))
	tree := p.object(treeType, treeOf("100644", "four", four, "one", first, "two", twice))
	server := &evil{commit: p.object(commitType, commitOf(tree)), pack: p.bytes()}
	for name, times := range map[string]int{"one": 1, "two": 2, "four": 4} {
		if got, err := read(t, server, name); err != nil || string(got) != strings.Repeat("abc\n", times) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	var lone packWriter
	lone.header(refDeltaType, len(d))
	lone.Write(bytes.Repeat([]byte{7}, 20))
	lone.deflate(d)
	if _, err := read(t, &evil{commit: strings.Repeat("1", 40), pack: lone.bytes()}, "a"); err == nil || !strings.Contains(err.Error(), "base") {
		t.Errorf("without a base: %v", err)
	}
}

// TestFolderOfFolders has a few trees, each many times in the next: 10^12 files.
func TestFolderOfFolders(t *testing.T) {
	var p packWriter
	mode, below := "100644", p.object(blobType, []byte("x"))
	for range 12 {
		var entries []string
		for i := range 10 {
			entries = append(entries, fmt.Sprint("d", i), below)
		}
		below, mode = p.object(treeType, treeOf(mode, entries...)), "40000"
	}
	s := httptest.NewServer(&evil{commit: p.object(commitType, commitOf(below)), pack: p.bytes()})
	defer s.Close()
	r := open(t, s.URL+"/k8s", gitrepo.Options{})
	r.SetBounds(maxPack, maxAnswer, maxEntries)
	tip := tipOf(t, r, "main")
	if err := tip.Fetch(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	_, err := tip.Below(t.Context(), ".")
	walked := fs.WalkDir(tip.FS(t.Context()), ".", func(_ string, _ fs.DirEntry, err error) error { return err })
	for _, err := range []error{err, walked} {
		if err == nil || !strings.Contains(err.Error(), "limit of 10000 entries") {
			t.Errorf("got %v", err)
		}
	}
}
