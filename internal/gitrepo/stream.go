package gitrepo

import (
	"context"
	"io"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"

	"k8srepo/internal/lazyregexp"
)

// stream is a conversation with a service that runs as a process, here or at
// the other end of an SSH connection. It takes one request. Its functions may
// be called again, and at the same time.
type stream struct {
	in     io.WriteCloser
	out    io.Reader
	stderr *tail
	finish func() // lets the process end, for a while
	kill   func() // ends it at once, and all reading and writing
}

// streamWire begins a stream a request. Of the streams that have advertised,
// one is kept for the request that follows.
type streamWire struct {
	patience
	start   func(ctx context.Context, service string) (*stream, error)
	stop    func() error
	waiting *stream
	service string // of waiting
}

func (s *streamWire) advertise(ctx context.Context, service string) (io.ReadCloser, error) {
	s.dismiss()
	w := s.watch(ctx)
	st, err := s.start(w, service)
	if err != nil {
		err = w.blame(err)
		w.stop()
		return nil, err
	}
	s.waiting, s.service = st, service
	return st.listen(w, &firstWord{st: st}, func() {}), nil
}

func (s *streamWire) ask(ctx context.Context, service string, request []byte) (io.ReadCloser, error) {
	if s.waiting == nil || s.service != service {
		if err := s.skipAdvertisement(ctx, service); err != nil {
			return nil, err
		}
	}
	st := s.waiting
	s.waiting = nil
	w := s.watch(ctx)
	answer := st.listen(w, st.out, st.finish)
	if _, err := st.in.Write(request); err != nil {
		err = w.blame(&cutError{err})
		answer.Close()
		return nil, err
	}
	st.in.Close()
	return answer, nil
}

func (s *streamWire) skipAdvertisement(ctx context.Context, service string) error {
	answer, err := s.advertise(ctx, service)
	if err != nil {
		return err
	}
	defer answer.Close()
	lines := pktline.NewScanner(answer)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return garbled(err, "the list of references")
	}
	return garbled(io.ErrUnexpectedEOF, "the list of references")
}

// listen returns what the server says, from out, under the watch. When the watch's
// context ends, so does the stream.
func (st *stream) listen(w *watch, out io.Reader, done func()) *watched {
	release := context.AfterFunc(w, st.kill)
	return &watched{out, w, func() {
		release()
		done()
	}}
}

// firstWord reads a stream's output. If there is none, what the process wrote
// to its standard error is the reason.
type firstWord struct {
	st    *stream
	heard bool
}

func (f *firstWord) Read(p []byte) (int, error) {
	n, err := f.st.out.Read(p)
	if n > 0 {
		f.heard = true
	}
	if err != nil && !f.heard {
		f.st.finish() // waits until the standard error is all there
		if text := oneLine(f.st.stderr.String()); text != "" {
			return n, &unheardError{text}
		}
	}
	return n, err
}

// dismiss ends the stream that has been advertised and not used.
func (s *streamWire) dismiss() {
	if s.waiting != nil {
		s.waiting.in.Write(pktline.FlushPkt) // good-bye
		s.waiting.finish()
		s.waiting = nil
	}
}

func (s *streamWire) aside() wire { return nil }

func (s *streamWire) close() error {
	s.dismiss()
	return s.stop()
}

// newFileWire runs git itself on a repository on disk.
func newFileWire(where *url.URL, o Options) wire {
	path := filepath.FromSlash(where.Path)
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, `\`)
	}
	return &streamWire{
		patience: o.patience(),
		stop:     func() error { return nil },
		start: func(_ context.Context, service string) (*stream, error) {
			cmd := exec.Command("git", strings.TrimPrefix(service, "git-"), path)
			cmd.Env = append(withoutSecrets(cmd.Environ(), o.Token), "GIT_PROTOCOL=", "LC_ALL=C")
			return startProcess(cmd)
		},
	}
}

// withoutSecrets returns an environment without tokens: git needs none for a folder, and the
// repository's hooks are not to have them.
func withoutSecrets(env []string, token string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, value, _ := strings.Cut(v, "=")
		return secretName.MatchString(name) || token != "" && strings.Contains(value, token)
	})
}

// secretName is how variables are called that hold tokens: TAGBUMP_TOKEN, GITHUB_TOKEN,
// GH_TOKEN, ACTIONS_RUNTIME_TOKEN, ACTIONS_ID_TOKEN_REQUEST_TOKEN and others.
var secretName = lazyregexp.New(`(?i)(^|[_-])(TOKEN|PAT|PASSWORD|PASSWD|SECRET)($|[_-])`)

func startProcess(cmd *exec.Cmd) (*stream, error) {
	st := &stream{stderr: new(tail)}
	cmd.Stderr = st.stderr
	var err error
	if st.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if st.out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, &hinted{err, "repositories on disk need git to be installed"}
	}
	out := st.out.(io.Closer)
	cmd.WaitDelay = grace
	st.finish = sync.OnceFunc(func() {
		st.in.Close()
		late := time.AfterFunc(grace, func() { cmd.Process.Kill() })
		defer late.Stop()
		out.Close() // everything of use has been read: a process that goes on writing ends
		cmd.Wait()  // what it wrote says how it ended
	})
	st.kill = func() {
		cmd.Process.Kill()
		st.in.Close()
		out.Close()
		st.finish()
	}
	return st, nil
}

// grace is how long a process may take to end after its last word: hooks that
// run after a push belong to it.
const grace = 5 * time.Second
