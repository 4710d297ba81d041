package gittest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A direct server answers as git upload-pack and git receive-pack do, from the files of
// the repository, and starts no process: for tests of what is above Git's protocol. What
// it has no answer for (packs, hooks, tags, a configuration of the repository's own) git
// answers.

const (
	uploadCapabilities  = "thin-pack side-band side-band-64k ofs-delta shallow no-progress allow-tip-sha1-in-want allow-reachable-sha1-in-want filter agent=git/direct"
	receiveCapabilities = "report-status delete-refs side-band-64k ofs-delta agent=git/direct"
	noHash              = "0000000000000000000000000000000000000000"
	maxPacket           = 65515
)

// serveItself answers a request. It reports false, and has done nothing, where git has to.
func (r *Repo) serveItself(w http.ResponseWriter, request *http.Request, kind Kind, body []byte) bool {
	if request.Header.Get("Content-Encoding") != "" || request.Header.Get("Git-Protocol") != "" || !r.isPlain(kind == Push) {
		return false
	}
	var answer bytes.Buffer
	ok, service, suffix := false, "upload-pack", "advertisement"
	switch kind {
	case ReadRefs:
		ok = r.advertise(&answer, "upload-pack")
	case PushRefs:
		service = "receive-pack"
		ok = r.advertise(&answer, service)
	case Fetch:
		suffix = "result"
		ok = r.upload(&answer, body)
	case Push:
		service, suffix = "receive-pack", "result"
		ok = r.receive(&answer, body)
	}
	if !ok {
		return false
	}
	w.Header().Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
	w.Header().Set("Content-Type", "application/x-git-"+service+"-"+suffix)
	w.Write(answer.Bytes())
	return true
}

// isPlain reports whether a repository has no tags and no configuration of its own, and, for
// a push, no hooks.
func (r *Repo) isPlain(push bool) bool {
	some := false
	if r.inMemory(func(m *memory) { some = len(m.branches) > 0 }) {
		return some
	}
	if tags, _ := os.ReadDir(filepath.Join(r.Folder(), "refs/tags")); len(tags) > 0 || push && r.hasHooks() {
		return false
	}
	_, err := os.Stat(filepath.Join(r.Folder(), ownConfig))
	return os.IsNotExist(err) && (r.Tip("main") != "" || len(r.Branches()) > 0)
}

// hasHooks reports whether a repository has hooks other than that of LogPushes.
func (r *Repo) hasHooks() bool {
	hooks, _ := os.ReadDir(filepath.Join(r.Folder(), "hooks"))
	return slices.ContainsFunc(hooks, func(hook os.DirEntry) bool {
		return !strings.HasSuffix(hook.Name(), ".sample") && (hook.Name() != "post-receive" || !r.logsPushes())
	})
}

// ownConfig is a file that says that the repository's configuration was changed, noFilter one
// that says that its server cannot filter.
const (
	ownConfig = "gittest-config"
	noFilter  = "gittest-no-filter"
)

// filters reports whether the repository's server can filter.
func (r *Repo) filters() bool {
	if r.inMemory(func(*memory) {}) {
		return true
	}
	_, err := os.Lstat(filepath.Join(r.Folder(), noFilter))
	return err != nil
}

// PushLog is the file in a repository that LogPushes writes.
const PushLog = "pushes"

const logPushes = "cat >> " + PushLog

// LogPushes has what is pushed be written to PushLog, a line each: old hash, new hash, name.
func (r *Repo) LogPushes() {
	if !r.inMemory(func(m *memory) { m.logs = true }) {
		r.Hook("post-receive", logPushes)
	}
}

func (r *Repo) logsPushes() (logs bool) {
	if r.inMemory(func(m *memory) { logs = m.logs }) {
		return logs
	}
	script, _ := os.ReadFile(filepath.Join(r.Folder(), "hooks", "post-receive"))
	return bytes.Contains(script, []byte("\n"+logPushes+"\n"))
}

func packet(w io.Writer, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(w, "%04x%s", len(text)+4, text)
}

// packets returns the lines of a request, "" for a flush, and what follows after them.
func packets(body []byte) (lines []string, rest []byte) {
	for len(body) >= 4 && !bytes.HasPrefix(body, []byte("PACK")) {
		n, err := strconv.ParseUint(string(body[:4]), 16, 16)
		if err != nil || int(n) > len(body) || n > 0 && n < 4 {
			break
		}
		size := max(4, int(n))
		lines = append(lines, strings.TrimSuffix(string(body[4:size]), "\n"))
		body = body[size:]
	}
	return lines, body
}

// sideband sends data on the first band, and ends the stream.
func sideband(w io.Writer, data []byte) {
	for part := range slices.Chunk(data, maxPacket) {
		fmt.Fprintf(w, "%04x\x01%s", len(part)+5, part)
	}
	io.WriteString(w, "0000")
}

func (r *Repo) advertise(w io.Writer, service string) bool {
	packet(w, "# service=git-%s\n", service)
	io.WriteString(w, "0000")
	branches := r.Branches()
	capabilities, first := receiveCapabilities, true
	line := func(hash, name string) {
		if first {
			name += "\x00" + capabilities
		}
		first = false
		packet(w, "%s %s\n", hash, name)
	}
	if service == "upload-pack" {
		capabilities = uploadCapabilities
		if !r.filters() {
			capabilities = strings.Replace(capabilities, " filter", "", 1)
		}
		branch, err := r.head()
		if err != nil {
			return false
		}
		if tip := branches[branch]; tip != "" {
			capabilities += " symref=HEAD:refs/heads/" + branch
			line(tip, "HEAD")
		}
	}
	for _, branch := range slices.Sorted(maps.Keys(branches)) {
		line(branches[branch], "refs/heads/"+branch)
	}
	io.WriteString(w, "0000")
	return true
}

// upload answers a fetch.
func (r *Repo) upload(w io.Writer, body []byte) bool {
	p := &packer{repo: r, leave: map[string]bool{}, chosen: map[string]bool{}, kinds: map[string]string{}, raws: map[string]string{}}
	var wants, haves []string
	clientShallow := map[string]bool{}
	depth, band := 0, false
	lines, _ := packets(body)
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		hash, capabilities, _ := strings.Cut(rest, " ")
		switch word {
		case "want":
			wants = append(wants, hash)
			band = band || strings.Contains(capabilities, "side-band-64k")
		case "have":
			haves = append(haves, hash)
		case "shallow":
			clientShallow[hash] = true
		case "deepen":
			depth, _ = strconv.Atoi(rest)
		case "filter":
			p.filter = rest
		}
	}
	if p.filter != "" && !r.filters() || !band || !slices.Contains([]string{"", "tree:0", "blob:none"}, p.filter) || len(wants) == 0 {
		return false
	}
	common := ""
	for _, have := range haves {
		if kind, _, ok := r.loose(have); ok && kind == "commit" {
			common = have
			p.know(have, clientShallow)
		}
	}
	shallow := p.commits(wants, depth, clientShallow)
	if p.failed {
		return false
	}
	if depth > 0 {
		for _, hash := range shallow {
			packet(w, "shallow %s", hash)
		}
		for _, hash := range slices.Sorted(maps.Keys(clientShallow)) {
			if p.chosen[hash] && !slices.Contains(shallow, hash) {
				packet(w, "unshallow %s", hash)
			}
		}
		io.WriteString(w, "0000")
	}
	if common != "" {
		packet(w, "ACK %s\n", common)
	} else {
		packet(w, "NAK\n")
	}
	sideband(w, p.pack())
	return true
}

// receive answers a push of whole objects.
func (r *Repo) receive(w io.Writer, body []byte) bool {
	lines, pack := packets(body)
	if len(lines) != 2 || lines[1] != "" {
		return false
	}
	command, _, _ := strings.Cut(lines[0], "\x00")
	f := strings.Fields(command)
	if len(f) != 3 || !strings.HasPrefix(f[2], "refs/heads/") || len(pack) > 0 && !r.unpack(pack) {
		return false
	}
	var report bytes.Buffer
	packet(&report, "unpack ok\n")
	old, is := strings.ReplaceAll(f[0], noHash, ""), strings.ReplaceAll(f[1], noHash, "")
	branch := strings.TrimPrefix(f[2], "refs/heads/")
	if err := r.SetBranch(branch, old, is); err != nil {
		text := fmt.Sprintf("error: cannot lock ref '%s': is at %s but expected %s\n", f[2], r.Tip(branch), f[0])
		fmt.Fprintf(w, "%04x\x02%s", len(text)+5, text)
		packet(&report, "ng %s failed to update ref\n", f[2])
	} else {
		packet(&report, "ok %s\n", f[2])
		if r.logsPushes() {
			r.logPush(command)
		}
	}
	io.WriteString(&report, "0000")
	sideband(w, report.Bytes())
	return true
}

func (r *Repo) logPush(line string) {
	if r.inMemory(func(m *memory) { m.pushes = append(m.pushes, line+"\n"...) }) {
		return
	}
	log, err := os.OpenFile(filepath.Join(r.Folder(), PushLog), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = log.WriteString(line + "\n")
		log.Close()
	}
	if err != nil {
		r.t.Error(err)
	}
}

// unpack stores the objects of a pack. It reports false, and has stored nothing of use, for
// one with deltas.
func (r *Repo) unpack(pack []byte) bool {
	kinds := map[byte]string{1: "commit", 2: "tree", 3: "blob", 4: "tag"}
	in := bytes.NewReader(pack)
	head := make([]byte, 12)
	if _, err := io.ReadFull(in, head); err != nil || string(head[:4]) != "PACK" {
		return false
	}
	for range binary.BigEndian.Uint32(head[8:]) {
		c, err := in.ReadByte()
		kind := kinds[c>>4&7]
		for c&0x80 != 0 && err == nil {
			c, err = in.ReadByte()
		}
		if err != nil || kind == "" {
			return false
		}
		raw, err := inflate(in)
		if err != nil {
			return false
		}
		r.WriteObject(kind, string(raw))
	}
	return true
}

// parents returns those of a commit.
func parents(commit string) (hashes []string) {
	head, _, _ := strings.Cut(commit, "\n\n")
	for line := range strings.Lines(head) {
		if hash, ok := strings.CutPrefix(strings.TrimSpace(line), "parent "); ok {
			hashes = append(hashes, hash)
		}
	}
	return hashes
}
