package gitrepo_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

// TestSSHSigner has git and ssh-keygen verify what was signed and pushed.
func TestSSHSigner(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, err := rsa.GenerateKey(rand.Reader, 1024) // a larger one takes a second
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.PrivateKey{"ed25519": ed, "ecdsa": ec, "rsa": rs} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			block, err := ssh.MarshalPrivateKey(key, "")
			if err != nil {
				t.Fatal(err)
			}
			private := pem.EncodeToMemory(block)
			signer, err := gitrepo.NewSSHSigner(private)
			if err != nil {
				t.Fatal(err)
			}
			server := gittest.NewServer(t, gittest.Options{Direct: true})
			repo := server.NewRepo("k8s", sample())
			r := open(t, server.URL("k8s"), gitrepo.Options{})
			tip := tipOf(t, r, "main")
			signed := meta
			signed.Signer = signer
			c, err := tip.Prepare(t.Context(), map[string][]byte{deployment: []byte("x")}, signed)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Push(t.Context(), "main", tip.Hash, c); err != nil {
				t.Fatal(err)
			}
			known, err := ssh.ParsePrivateKey(private)
			if err != nil {
				t.Fatal(err)
			}
			allowed := filepath.Join(t.TempDir(), "allowed_signers")
			line := "bot@example.com " + string(ssh.MarshalAuthorizedKey(known.PublicKey()))
			if err := os.WriteFile(allowed, []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
			repo.Config("gpg.ssh.allowedSignersFile", allowed)
			if got := repo.Git("log", "-1", "--format=%G? %GS", "main"); got != "G bot@example.com" {
				t.Errorf("got %q", got)
			}
			repo.Fsck()
		})
	}
	if _, err := gitrepo.NewSSHSigner([]byte("s3cret")); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("pass"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gitrepo.NewSSHSigner(pem.EncodeToMemory(locked)); err == nil || !strings.Contains(err.Error(), "has a passphrase") {
		t.Errorf("got %v", err)
	}
}
