package gittest

import (
	"context"
	"errors"
	"fmt"
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
// and the clients that are like http.DefaultTransport reach them there. It is called before the
// tests of a package that start no other process which is a client.
func InMemoryNetwork() {
	network = &memoryNetwork{}
	transport := http.DefaultTransport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, kind, address string) (net.Conn, error) {
		if l, ok := network.listeners.Load(address); ok {
			return l.(*listener).dial(ctx)
		}
		return dial(ctx, kind, address)
	}
}

// NewHTTPServer is httptest.NewUnstartedServer, on the network in memory if there is one and the
// server has no TLS.
func NewHTTPServer(handler http.Handler, tls bool) *httptest.Server {
	if network == nil || tls {
		return httptest.NewUnstartedServer(handler)
	}
	return &httptest.Server{Listener: network.listen(), Config: &http.Server{Handler: handler}}
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
