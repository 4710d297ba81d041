package gittest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

// SSHServer serves the repositories of a machine over SSH.
type SSHServer struct {
	Address     string // host:port
	HostKey     ssh.PublicKey
	ClientKey   []byte       // the private key that it lets in, in PEM
	Connections atomic.Int32 // so far
	Sessions    atomic.Int32 // so far

	config *ssh.ServerConfig
}

// NewSSHServer starts a server, which is stopped when the test ends.
func NewSSHServer(t testing.TB) *SSHServer {
	t.Helper()
	_, host := NewSSHKey(t)
	private, client := NewSSHKey(t)
	s := &SSHServer{HostKey: host.PublicKey(), ClientKey: private}
	s.config = &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) == string(client.PublicKey().Marshal()) {
				return nil, nil
			}
			return nil, io.EOF // any error is a no
		},
	}
	s.config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s.Address = listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.Connections.Add(1)
			go s.serve(conn)
		}
	}()
	return s
}

// NewSSHKey makes an ed25519 key, and writes it down in PEM.
func NewSSHKey(t testing.TB) (private []byte, signer ssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	if signer, err = ssh.NewSignerFromKey(key); err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), signer
}

// URL returns where a repository is served.
func (s *SSHServer) URL(r *Repo) string { return "ssh://git@" + s.Address + r.Folder() }

func (s *SSHServer) serve(conn net.Conn) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if c.ChannelType() != "session" {
			c.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		s.Sessions.Add(1)
		go session(channel, requests)
	}
}

// session runs the one command of a session.
func session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for req := range requests {
		var command struct{ Line string }
		if req.Type != "exec" || ssh.Unmarshal(req.Payload, &command) != nil {
			req.Reply(false, nil)
			continue
		}
		req.Reply(true, nil)
		service, path, _ := strings.Cut(command.Line, " ")
		status := uint32(128)
		if service == "git-upload-pack" || service == "git-receive-pack" {
			cmd := exec.Command("git", strings.TrimPrefix(service, "git-"), strings.Trim(path, "'"))
			cmd.Env = gitEnv()
			cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
			if in, err := cmd.StdinPipe(); err == nil && cmd.Start() == nil {
				go func() {
					io.Copy(in, channel)
					in.Close()
				}()
				if cmd.Wait() == nil {
					status = 0
				}
			}
		}
		channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		return
	}
}
