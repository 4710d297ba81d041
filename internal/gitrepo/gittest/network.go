package gittest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// A network in memory carries what servers of this process and its clients say to each other,
// without the kernel: a request over TCP takes eight system calls. HTTP is the same on it.

// network is the one in memory; nil while there is none.
var network *memoryNetwork

type memoryNetwork struct {
	ports     atomic.Int32
	listeners sync.Map // *listener by address
}

// InMemoryNetwork has the servers without TLS that are made from now on be on a network in memory,
// and the clients that are like http.DefaultTransport, or like the server's own, reach them there.
// It is called before a package's tests. A server that other processes talk to needs TCP: see
// Options.
func InMemoryNetwork() {
	network = &memoryNetwork{}
	network.reach(http.DefaultTransport)
}

// reach has a transport reach the network's servers there, and others as before.
func (n *memoryNetwork) reach(carrier http.RoundTripper) {
	transport := carrier.(*http.Transport)
	dial := transport.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	transport.DialContext = func(ctx context.Context, kind, address string) (net.Conn, error) {
		if l, ok := n.listeners.Load(address); ok {
			return l.(*listener).dial(ctx)
		}
		return dial(ctx, kind, address)
	}
}

// StartHTTP starts a server, on the network in memory if there is one and the server needs no TLS
// and no TCP.
func StartHTTP(handler http.Handler, tls, tcp bool) *httptest.Server {
	config := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	var s *httptest.Server
	if network != nil && !tls && !tcp {
		s = &httptest.Server{Listener: network.listen(), Config: config}
	} else {
		s = httptest.NewUnstartedServer(handler)
		s.Config = config
	}
	if tls {
		s.StartTLS()
		return s
	}
	s.Start()
	if network != nil {
		network.reach(s.Client().Transport)
	}
	return s
}

// listener is a server's place in the network.
type listener struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	close   func()
}

// firstPort is that of the first server: it and those that follow are none that HTTP takes for
// granted, and none that the kernel gives to a server on TCP.
const firstPort = 1024

func (n *memoryNetwork) listen() net.Listener {
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: firstPort - 1 + int(n.ports.Add(1))}
	l := &listener{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() {
		n.listeners.Delete(address.String())
		close(l.closed)
	})
	n.listeners.Store(address.String(), l)
	return l
}

func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: l.address, Err: errors.New("connection refused")}
	case <-ctx.Done():
		return nil, fmt.Errorf("dial %s: %w", l.address, ctx.Err())
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.close(); return nil }
func (l *listener) Addr() net.Addr { return l.address }
