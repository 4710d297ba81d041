package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"

	"k8srepo/internal/tree"
)

// stages returns what Git's index has of a merge of files below the output folder;
// nothing where the folder is in no clone, or there is no git.
func (o *renderOptions) stages(paths []string) map[string]tree.Stages {
	listed, err := gitIn(o.out, append([]string{"ls-files", "--unmerged", "-z", "--"}, paths...)...)
	if err != nil {
		return nil
	}
	found := map[string]tree.Stages{}
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(listed), "\x00"), "\x00") {
		meta, path, ok := strings.Cut(entry, "\t") // mode, object and stage; see git-ls-files
		fields := strings.Fields(meta)
		if !ok || len(fields) != 3 || !slices.Contains(paths, path) {
			continue
		}
		data, err := gitIn(o.out, "cat-file", "blob", fields[1])
		if err != nil {
			continue
		}
		s := found[path]
		switch fields[2] {
		case "1":
			s.Base = data
		case "2":
			s.Ours = data
		case "3":
			s.Theirs = data
		}
		found[path] = s
	}
	return found
}

// gitIn runs git in a folder, without the tokens of the environment and without what a
// clone's configuration would start.
func gitIn(folder string, args ...string) ([]byte, error) {
	cmd := exec.Command("git", append([]string{"--literal-pathspecs", "-c", "core.fsmonitor=false", "-C", folder}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasSuffix(name, "_TOKEN")
	})
	return cmd.Output()
}
