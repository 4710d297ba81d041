package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// processes are the servers that this run started. Each is the leader of its own group, so
// that what it starts ends with it, and its output goes to a file of its name.
type processes struct {
	logs    string
	running []*process
}

type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// start starts a server. Its environment is this process's, with env added.
func (p *processes) start(name string, env []string, path string, args ...string) (*process, error) {
	if err := os.MkdirAll(p.logs, 0o755); err != nil {
		return nil, err
	}
	log := filepath.Join(p.logs, name+".log")
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	started := &process{name, cmd, log, make(chan struct{})}
	p.running = append(p.running, started)
	go func() {
		_ = cmd.Wait() // why it ended is in its log
		close(started.done)
	}()
	return started, nil
}

// stop ends what is still running, the last one first.
func (p *processes) stop() {
	for _, one := range slices.Backward(p.running) {
		_ = syscall.Kill(-one.cmd.Process.Pid, syscall.SIGTERM) // it may have ended by itself
	}
	patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, one := range slices.Backward(p.running) {
		select {
		case <-one.done:
		case <-patience.Done():
			_ = syscall.Kill(-one.cmd.Process.Pid, syscall.SIGKILL)
			<-one.done
		}
	}
	p.running = nil
}

// ended returns an error with the last lines of its log if a process has ended.
func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s has ended:\n%s", p.name, p.lastLines(15))
	default:
		return nil
	}
}

func (p *process) lastLines(n int) string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// command runs a program to its end, in a folder, and returns what it prints on stdout.
func command(ctx context.Context, dir string, path string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // of an interrupted go build: its compilers hold its output open
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(path), strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// errNotYet is what a condition of eventually returns while it does not hold.
var errNotYet = errors.New("not yet")

// eventually asks until a condition holds. Any error but errNotYet ends it.
func eventually(ctx context.Context, limit time.Duration, what string, holds func(context.Context) error) error {
	timeout, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := holds(timeout)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errNotYet) && timeout.Err() == nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-timeout.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%s: not within %s: %w", what, limit, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// notYet is errNotYet with a reason.
func notYet(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errNotYet}, args...)...)
}

// freePorts returns n of them, all different.
func freePorts(n int) ([]int, error) {
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
	}()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, l)
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
