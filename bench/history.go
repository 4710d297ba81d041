package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bareConfig makes a bare repository one that can do what the big hosts' can.
const bareConfig = `
[http]
	receivepack = true
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[gc]
	auto = 0
[receive]
	autogc = false
`

// writeBare makes a bare k8s repo of some services, with a history of commits that
// each moved one service's tag, as a packed repository with git fast-import.
func writeBare(dir string, services, commits int) (files int, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	if err := git(dir, nil, "init", "--quiet", "--bare", "--initial-branch=main", "."); err != nil {
		return 0, err
	}
	config, err := os.OpenFile(filepath.Join(dir, "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	_, err = config.WriteString(bareConfig)
	if err := firstError(err, config.Close()); err != nil {
		return 0, err
	}
	imported := exec.Command("git", "fast-import", "--quiet")
	imported.Dir, imported.Stderr = dir, os.Stderr
	in, err := imported.StdinPipe()
	if err != nil {
		return 0, err
	}
	if err := imported.Start(); err != nil {
		return 0, err
	}
	w := bufio.NewWriter(in)
	files = writeHistory(w, services, commits)
	err = firstError(w.Flush(), in.Close(), imported.Wait())
	if err == nil {
		err = git(dir, nil, "repack", "-adfq")
	}
	return files, err
}

// unpack makes the objects of a bare repository loose, and takes its hooks away, which are
// examples.
func unpack(dir string) error {
	packs, err := filepath.Glob(filepath.Join(dir, "objects/pack/*.pack"))
	if err != nil {
		return err
	}
	for _, pack := range packs {
		data, err := os.ReadFile(pack)
		if err != nil {
			return err
		}
		for _, ext := range []string{"pack", "idx", "rev"} {
			if err := os.Remove(strings.TrimSuffix(pack, "pack") + ext); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
		if err := git(dir, data, "unpack-objects", "-q"); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(dir, "hooks"))
}

// writeHistory writes the commits as git fast-import reads them.
func writeHistory(w *bufio.Writer, services, commits int) (files int) {
	when := 1_700_000_000
	begin := func(message string) {
		printf(w, "commit refs/heads/main\ncommitter Bench <bench@example.com> %d +0000\ndata %d\n%s\n", when, len(message), message)
		when += 600
	}
	file := func(path string, data []byte) {
		printf(w, "M 100644 inline %s\ndata %d\n", path, len(data))
		w.Write(data)
		printf(w, "\n")
	}
	begin("k8s: everything")
	deployments := map[int][]byte{}
	eachManifest(services, environments, func(path string, write func(w *bufio.Writer)) {
		data := written(write)
		if strings.HasPrefix(path, "dev/") && strings.HasSuffix(path, "-deployment.yaml") {
			deployments[len(deployments)] = data
		}
		file(path, data)
		files++
	})
	users := written(func(w *bufio.Writer) {
		printf(w, "services:\n")
		for i := range services {
			printf(w, "  - name: %s\n    image: %s/%[1]s\n    tag: 1f0c9ae\n    port: 8080\n", serviceName(i), registry)
		}
	})
	file("users.yaml", users)
	for _, env := range environments {
		file("environments/"+env+".yaml", []byte("namespace: "+env+"\ndeploy: {strategy: push}\n"))
	}
	for n := range commits {
		i := n * 7 % services
		begin(fmt.Sprintf("%s: dev to %07x", serviceName(i), n))
		file(deploymentOf(i), bytes.Replace(deployments[i], []byte(":1f0c9ae"), fmt.Appendf(nil, ":%07x", n), 1))
	}
	return files
}

// deploymentOf returns the file that runs a service in dev.
func deploymentOf(i int) string {
	return fmt.Sprintf("dev/manifests/%s/%[1]s-dev-deployment.yaml", serviceName(i))
}

func written(write func(w *bufio.Writer)) []byte {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	write(w)
	w.Flush()
	return b.Bytes()
}

// git runs git in a folder.
func git(dir string, stdin []byte, args ...string) error {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// gitOutput returns what git prints in a folder.
func gitOutput(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
