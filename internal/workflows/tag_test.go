package workflows

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRelease makes a release of a copy of this repository with .github/release.
func TestRelease(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, ".github"), os.DirFS(filepath.Join("..", "..", ".github"))); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"manifestgen", "tagbump"} {
		write(t, filepath.Join(dir, ".github", "actions", command, "version"), "dev\n")
	}
	write(t, filepath.Join(dir, "CHANGELOG.md"), "# Changelog\n\n## 1.4.0\n\n- The first release.\n")
	sh := func(want, script string) string {
		t.Helper()
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
			"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.com")
		out, _ := cmd.CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Fatalf("%s: want %q in\n%s", script, want, out)
		}
		return strings.TrimSpace(string(out))
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("a release is made with bash")
	}
	sh("", "git init --quiet --initial-branch=main && git add . && git commit --quiet --message first")
	main := sh("", "git rev-parse main")

	sh("write a version such as v1.4.0", ".github/release 1.4")
	sh(`no section "## 1.5.0"`, ".github/release v1.5.0")
	sh("tagged v1.4.0", ".github/release v1.4.0")
	sh("the tag v1.4.0 exists", ".github/release v1.4.0")

	if got := sh("", "git symbolic-ref --short HEAD && git rev-parse main && git status --porcelain"); got != "main\n"+main {
		t.Errorf("after a release there is %s, want main at %s", got, main)
	}
	if got := sh("", "git show v1.4.0^{commit}:.github/actions/tagbump/version v1.4.0^{commit}:.github/actions/manifestgen/version"); got != "v1.4.0\nv1.4.0" {
		t.Errorf("the versions are %s", got)
	}
	for _, name := range []string{"bump", "check", "promote"} {
		text := sh("", "git show v1.4.0^{commit}:.github/workflows/"+name+".yml")
		if !strings.Contains(text, "@v1.4.0") || strings.Contains(text, "@main") {
			t.Errorf("%s.yml uses another version:\n%s", name, text)
		}
	}
	sh("not committed", "echo >>CHANGELOG.md; echo '## 1.4.1' >>CHANGELOG.md; .github/release v1.4.1")
}
