package gitrepo

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/pem"
	"io"

	"golang.org/x/crypto/ssh"
)

// SSHSigner signs commits with an SSH key, as git commit -S does with
// gpg.format=ssh.
type SSHSigner struct{ key ssh.Signer }

// NewSSHSigner reads a private key without a passphrase, in PEM.
func NewSSHSigner(pem []byte) (*SSHSigner, error) {
	key, err := parseKey(pem)
	if err != nil {
		return nil, err
	}
	return &SSHSigner{key}, nil
}

// What the signature is for, and how: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig.
const (
	sshsigMagic     = "SSHSIG"
	sshsigNamespace = "git"
	sshsigHash      = "sha512"
)

// Sign returns the armored signature of message.
func (s *SSHSigner) Sign(message io.Reader) ([]byte, error) {
	h := sha512.New()
	if _, err := io.Copy(h, message); err != nil {
		return nil, err
	}
	signed := append([]byte(sshsigMagic), ssh.Marshal(struct {
		Namespace, Reserved, Hash, Digest string
	}{sshsigNamespace, "", sshsigHash, string(h.Sum(nil))})...)
	signature, err := s.sign(signed)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{
		Type: "SSH SIGNATURE",
		Bytes: append([]byte(sshsigMagic), ssh.Marshal(struct {
			Version                                      uint32
			PublicKey, Namespace, Reserved, Hash, Signed string
		}{1, string(s.key.PublicKey().Marshal()), sshsigNamespace, "", sshsigHash, string(ssh.Marshal(signature))})...),
	}), nil
}

// sign signs raw bytes. RSA keys sign with SHA-512: their default is SHA-1.
func (s *SSHSigner) sign(data []byte) (*ssh.Signature, error) {
	if rsa, ok := s.key.(ssh.AlgorithmSigner); ok && s.key.PublicKey().Type() == ssh.KeyAlgoRSA {
		return rsa.SignWithAlgorithm(rand.Reader, data, ssh.KeyAlgoRSASHA512)
	}
	return s.key.Sign(rand.Reader, data)
}
