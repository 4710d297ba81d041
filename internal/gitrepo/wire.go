package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"k8srepo/internal/httpclient"
	"k8srepo/internal/limit"
)

// The services of a Git server.
const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

// A wire carries Git's protocol, version 0, to one repository. The messages are
// go-git's (package packp); its sessions are not used, because they dial SSH
// and wait for processes without a context, advertise anew for each fetch, and
// turn errors into text.
//
// All methods give up when the context ends or the server falls silent. Over
// HTTP the conversation has no state, and one advertisement serves any number
// of requests; over SSH and on disk, ask uses up the session that advertise
// has begun, and begins one itself if there is none.
type wire interface {
	// advertise is what the service says first: its references. The caller
	// closes it.
	advertise(ctx context.Context, service string) (io.ReadCloser, error)
	// ask sends one request, and is the answer to it. The caller closes it.
	ask(ctx context.Context, service string, request []byte) (io.ReadCloser, error)
	// aside returns a wire to the same place that may be used at the same time, for
	// one request ahead; nil where each service has a session of its own.
	aside() wire
	close() error
}

// advertised asks a service for its references. In an empty repository there
// are none.
func (r *Remote) advertised(ctx context.Context, service string) (*packp.AdvRefs, error) {
	answer, err := r.wire.advertise(ctx, service)
	if err != nil {
		return nil, r.fault(ctx, err)
	}
	defer answer.Close()
	bounded := limit.NewReader(answer, r.bounds.answer, "the list of references")
	refs := packp.NewAdvRefs()
	if err := refs.Decode(bounded); err != nil && !errors.Is(err, packp.ErrEmptyAdvRefs) {
		return nil, r.fault(ctx, unlisted(cmp.Or(bounded.Over(), err)))
	}
	return refs, nil
}

// unlisted returns a list of references that could not be read.
func unlisted(err error) error {
	var line *packp.ErrUnexpectedData
	if errors.As(err, &line) && bytes.Contains(line.Data, []byte("object-format=sha256")) {
		return errors.New("the repository names its objects by SHA-256, which is not supported")
	}
	err = garbled(err, "the list of references")
	if refused := (*refusedError)(nil); errors.As(err, &refused) {
		return &unheardError{refused.text} // no, before anything was asked
	}
	return err
}

// garbled returns an answer that could not be read to its end: a refusal if that is
// what the server wrote in its place, or the connection breaking off.
func garbled(err error, what string) error {
	var line *pktline.ErrorLine
	var refused *refusedError
	var unheard *unheardError
	var over *limit.Error
	switch {
	case errors.As(err, &over):
		return over // no other attempt would be shorter
	case errors.As(err, &line):
		return &refusedError{text: line.Text}
	case errors.As(err, &refused), errors.As(err, &unheard):
		return err
	}
	return &cutError{fmt.Errorf("%s broke off: %w", what, err)}
}

// demux is the data of a side-band-64k stream. What the server says on the side
// goes to said; its fatal errors end the stream as a *refusedError.
type demux struct {
	lines *pktline.Scanner
	rest  []byte
	said  io.Writer
}

func newDemux(r io.Reader, said io.Writer) *demux {
	return &demux{lines: pktline.NewScanner(r), said: said}
}

func (d *demux) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		if !d.lines.Scan() {
			if err := d.lines.Err(); err != nil {
				return 0, err
			}
			return 0, io.ErrUnexpectedEOF // no flush: the stream was cut
		}
		line := d.lines.Bytes()
		if len(line) == 0 {
			return 0, io.EOF
		}
		switch line[0] {
		case 1:
			d.rest = line[1:]
		case 2:
			d.said.Write(line[1:])
		case 3:
			return 0, &refusedError{text: oneLine(string(line[1:])), midway: true}
		default:
			return 0, fmt.Errorf("side band %d", line[0])
		}
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// tail keeps the last few kilobytes written to it. Its zero value is ready, and
// may be written and read at once.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const maxKept = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - maxKept; extra > 0 {
		t.kept = slices.Delete(t.kept, 0, extra)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

// A watch ends a request whose server is silent for too long. Its context is
// the request's.
type watch struct {
	context.Context
	idle   time.Duration
	timer  httpclient.Timer
	cancel context.CancelCauseFunc
}

// patience is how long a server may be silent, and the clock that measures it.
type patience struct {
	idle      time.Duration
	afterFunc func(d time.Duration, f func()) httpclient.Timer
}

func (o *Options) patience() patience { return patience{o.IdleTimeout, o.AfterFunc} }

// watch begins a watch.
func (p patience) watch(ctx context.Context) *watch {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{Context: ctx, idle: p.idle, cancel: cancel}
	w.timer = p.afterFunc(p.idle, func() {
		cancel(fmt.Errorf("%w for %s", ErrIdle, p.idle))
	})
	return w
}

// heard starts the time anew.
func (w *watch) heard() { w.timer.Reset(w.idle) }

// stop ends the watch and its context.
func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// blame replaces err, which the end of the watch's context may have caused, by
// the reason for that end.
func (w *watch) blame(err error) error {
	if err == nil || w.Err() == nil {
		return err
	}
	return context.Cause(w)
}

// watched is an answer that is read under a watch.
type watched struct {
	io.Reader
	watch *watch
	done  func() // called once, before the watch is stopped
}

func (r *watched) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.watch.heard()
	}
	return n, r.watch.blame(err)
}

func (r *watched) Close() error {
	r.done()
	r.watch.stop()
	return nil
}

// agree fills a request's capabilities with those of take that are on offer, and
// our name.
func (r *Remote) agree(list, offer *capability.List, take ...capability.Capability) {
	name := strings.Map(func(c rune) rune {
		if c <= ' ' || c > '~' {
			return '-'
		}
		return c
	}, r.agent)
	list.Set(capability.Agent, name)
	for _, c := range take {
		if offer.Supports(c) {
			list.Set(c)
		}
	}
}
