package bondstore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// secretSize is the size of the secret of a StateKey, in octets.
const secretSize = 32

// sealedVersion is of encrypted files: a release that does not know them leaves them alone.
const sealedVersion = 2

// cipherName is how this release encrypts.
const cipherName = "AES-256-GCM"

// keyringPrefix begins the name of a key in the kernel's keyring.
const keyringPrefix = "keyring:"

var (
	// ErrKey is a file that is encrypted with another key than the given one, or while none is given.
	ErrKey = errors.New("encrypted with another key")
	// ErrNoKeyring is a system without the kernel keyring of Linux.
	ErrNoKeyring = errors.New("bondstore: this system has no kernel keyring")
	// ErrSecret is a secret that is not of 32 octets, or of 64 hexadecimal digits.
	ErrSecret = errors.New("bondstore: a state key has 32 octets, or 64 hexadecimal digits")
)

// A StateKey encrypts the files of a store: AES-256 in Galois/Counter Mode, with a random number of 96 bits for each
// file written. A file is bound to its name, so that one bond's can't be put in place of another's; that an older
// generation is put back is not seen.
type StateKey struct {
	id   string // tells keys apart, and nothing of them
	aead cipher.AEAD
}

// Format prints that there is a key and nothing of it.
func (k *StateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(state key)") }

// NewStateKey makes a key from a secret of 32 octets, or its 64 hexadecimal digits with or without a new line; else
// ErrSecret.
func NewStateKey(secret []byte) (*StateKey, error) {
	if len(secret) != secretSize {
		digits := bytes.TrimSpace(secret)
		secret = make([]byte, secretSize)
		if len(digits) != 2*secretSize {
			return nil, ErrSecret
		}
		if _, err := hex.Decode(secret, digits); err != nil {
			return nil, ErrSecret
		}
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "jelling bonds: encryption", secretSize)
	if err != nil {
		return nil, err
	}
	id, err := hkdf.Key(sha256.New, secret, nil, "jelling bonds: name of the key", 8)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &StateKey{hex.EncodeToString(id), aead}, nil
}

// ReadStateKey reads a key from a file, or with keyring:NAME from the kernel keyring: the user key of that name in the
// session's keyring or the user's. Errors are ErrSecret, ErrNoKeyring and the system's.
func ReadStateKey(where string) (*StateKey, error) {
	var secret []byte
	var err error
	if name, ok := strings.CutPrefix(where, keyringPrefix); ok {
		secret, err = readKeyring(name)
	} else {
		secret, err = readSecret(where)
	}
	if err != nil {
		return nil, fmt.Errorf("the state key: %w", err)
	}
	key, err := NewStateKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %s has %d octets that are not", err, where, len(secret))
	}
	return key, nil
}

// readSecret reads a short file, which others must not be able to read.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if modesMean && info.Mode().Perm()&0o007 != 0 {
		return nil, &FolderError{path, fmt.Sprintf("everybody may reach it, mode %04o: set mode 0600, and make a new key", info.Mode().Perm())}
	}
	return io.ReadAll(io.LimitReader(f, 4*secretSize))
}

// envelope is an encrypted file.
type envelope struct {
	header
	Cipher string `json:"cipher"`
	Key    string `json:"key"`   // which, not what
	Nonce  []byte `json:"nonce"` // of 12 octets
	Text   []byte `json:"text"`
}

// enclose encrypts the text of a file; without a key it stays as it is. Name is what the file is bound to.
func (k *StateKey) enclose(text []byte, name string) ([]byte, error) {
	if k == nil {
		return text, nil
	}
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return seal(envelope{
		header: header{sealedVersion, byteOrder}, Cipher: cipherName, Key: k.id, Nonce: nonce,
		Text: k.aead.Seal(nil, nonce, text, []byte(name)),
	})
}

// disclose is the text that enclose was given. One that is not encrypted stays as it is, and plain says so. Errors are
// ErrKey and ErrDamaged, with detail.
func (k *StateKey) disclose(text []byte, name string) (out []byte, plain bool, err error) {
	var e envelope
	if checkSeal(text, maxFile) != nil || decode(text, &e.header) != nil || e.Version != sealedVersion {
		return text, true, nil // for its own reader to judge
	}
	if err := decode(text, &e); err != nil {
		return nil, false, err
	}
	switch {
	case e.Cipher != cipherName:
		return nil, false, fmt.Errorf("%w: version %d, whose cipher this one does not know", ErrNewer, e.Version)
	case k == nil:
		return nil, false, fmt.Errorf("%w: none is given", ErrKey)
	case e.Key != k.id:
		return nil, false, ErrKey
	case len(e.Nonce) != k.aead.NonceSize():
		return nil, false, fmt.Errorf("%w: a nonce of %d octets", ErrDamaged, len(e.Nonce))
	}
	if out, err = k.aead.Open(nil, e.Nonce, e.Text, []byte(name)); err != nil {
		return nil, false, fmt.Errorf("%w: what is encrypted was changed, or is another file's", ErrDamaged)
	}
	return out, false, nil
}
