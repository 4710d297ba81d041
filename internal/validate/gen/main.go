// Gen writes the tables that internal/validate embeds: the fields and served kinds of each
// Kubernetes minor, and the CustomResourceDefinitions of well-known controllers. Both are read from
// Go modules. Run it in the module's root; it needs a network: go run ./internal/validate/gen
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"k8srepo/internal/validate/gen/definitions"
)

const folder = "internal/validate"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("run it in the module's root: %w", err)
	}
	table, err := kubernetesTable()
	if err != nil {
		return err
	}
	lifecycles, err := lifecycleTable()
	if err != nil {
		return err
	}
	crds, err := definitions.Read(module)
	if err != nil {
		return err
	}
	if err := definitions.WriteCompressed(filepath.Join(folder, "kubernetes.txt.gz"), append(table, lifecycles...)); err != nil {
		return err
	}
	return definitions.Write(filepath.Join(folder, "crds"), crds)
}

// module returns the folder of a module's files; it downloads them if needed.
func module(path, version string) (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", path+"@"+version).Output()
	var m struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &m); jsonErr != nil {
		return "", fmt.Errorf("%s@%s: go mod download: %w", path, version, cmp.Or(err, jsonErr))
	}
	if m.Dir == "" {
		return "", fmt.Errorf("go mod download: %s", m.Error) // it names the module
	}
	return m.Dir, nil
}
