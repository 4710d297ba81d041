package ghtest

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// objects reads what is not loose by one process that stays: git cat-file.
type objects struct {
	in  io.Writer
	out *bufio.Reader
}

// object returns what an expression of Git's names: its hash, its kind and its
// content; ok is false if there is none. It belongs to the server's lock.
func (r *Repo) object(expression string) (oid, kind, content string, ok bool) {
	if strings.ContainsAny(expression, "\n\x00") {
		return "", "", "", false
	}
	if oid, kind, content, known := r.Object(expression); known {
		return oid, kind, content, oid != ""
	}
	err := r.openObjects()
	if err == nil {
		_, err = fmt.Fprintln(r.objects.in, expression)
	}
	header := ""
	if err == nil {
		header, err = r.objects.out.ReadString('\n')
	}
	if err != nil {
		r.server.t.Errorf("ghtest: git cat-file: %v", err)
		return "", "", "", false
	}
	var size int
	if n, _ := fmt.Sscan(header, &oid, &kind, &size); n != 3 || len(oid) != len(noOid) {
		return "", "", "", false // such as "… missing"
	}
	raw := make([]byte, size+1) // and a line's end
	if _, err := io.ReadFull(r.objects.out, raw); err != nil {
		r.server.t.Errorf("ghtest: git cat-file: %v", err)
	}
	return oid, kind, string(raw[:size]), true
}

func (r *Repo) openObjects() error {
	if r.objects != nil {
		return nil
	}
	cmd := exec.Command("git", "cat-file", "--batch")
	cmd.Dir, cmd.Env = r.Folder(), gitEnv()
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	r.objects = &objects{in, bufio.NewReader(out)}
	r.server.t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return nil
}
