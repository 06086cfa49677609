package bondstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	// maxFile bounds a file, in octets. A bond takes about one thousand.
	maxFile = 64 << 10
	// version is of the files that this release reads and writes.
	version = 1
	// byteOrder is what every file says of the keys in it.
	byteOrder = "keys and random values are in on-air order, least significant octet first"
)

// Every file ends with this line and a closing brace, whatever its version: that is how a newer file is told
// from a damaged one.
const (
	sealHead   = ",\n  \"checksum\": \"sha256:"
	sealTail   = "\"\n}\n"
	sealLength = len(sealHead) + 2*sha256.Size + len(sealTail)
)

// header begins every file.
type header struct {
	Version   int    `json:"version"`
	ByteOrder string `json:"byte_order"`
}

// seal writes a document, a struct that begins with a header, as the text of a file.
func seal(document any) ([]byte, error) { return sealUpTo(document, maxFile) }

func sealUpTo(document any, limit int) ([]byte, error) {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, err
	}
	text = sealed(bytes.TrimSuffix(text, []byte("\n}")))
	if len(text) > limit {
		return nil, fmt.Errorf("%d octets, more than %d", len(text), limit)
	}
	return text, nil
}

// sealed appends the checksum and what closes a document.
func sealed(text []byte) []byte {
	sum := sha256.Sum256(text)
	text = append(text, sealHead...)
	text = hex.AppendEncode(text, sum[:])
	return append(text, sealTail...)
}

// unseal checks the text of a file and reads its document. Its errors are ErrDamaged and ErrNewer with
// detail, and never hold anything of the text.
func unseal(text []byte, document any) error { return unsealUpTo(text, document, maxFile) }

func unsealUpTo(text []byte, document any, limit int) error {
	if err := checkSeal(text, limit); err != nil {
		return err
	}
	var h header
	if err := decode(text, &h); err != nil {
		return err
	}
	switch {
	case h.Version > version:
		return fmt.Errorf("%w: version %d, this one knows %d", ErrNewer, h.Version, version)
	case h.Version < 1:
		return fmt.Errorf("%w: version %d", ErrDamaged, h.Version)
	}
	return decode(text, document)
}

func checkSeal(text []byte, limit int) error {
	switch n := len(text); {
	case n == 0:
		return fmt.Errorf("%w: empty", ErrDamaged)
	case n > limit:
		return fmt.Errorf("%w: longer than %d octets", ErrDamaged, limit)
	case n < sealLength:
		return fmt.Errorf("%w: %d octets, cut short", ErrDamaged, n)
	}
	body, end := text[:len(text)-sealLength], text[len(text)-sealLength:]
	if !bytes.HasPrefix(end, []byte(sealHead)) || !bytes.HasSuffix(end, []byte(sealTail)) {
		return fmt.Errorf("%w: %d octets that do not end with a checksum", ErrDamaged, len(text))
	}
	sum := sha256.Sum256(body)
	if want := hex.AppendEncode(nil, sum[:]); !bytes.Equal(end[len(sealHead):len(end)-len(sealTail)], want) {
		return fmt.Errorf("%w: the checksum is wrong", ErrDamaged)
	}
	return nil
}

// decode reads JSON. What package json says of an error could hold a part of a key, so only the place is
// passed on.
func decode(octets []byte, to any) error {
	err := json.Unmarshal(octets, to)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var text textError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: no JSON at octet %d", ErrDamaged, syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("%w: field %q has the wrong type", ErrDamaged, strings.TrimPrefix(strings.TrimPrefix(kind.Field, "bondBody."), "identityText."))
	case errors.As(err, &text):
		return fmt.Errorf("%w: %w", ErrDamaged, text)
	}
	return fmt.Errorf("%w: an address that is none, or a word", ErrDamaged)
}

// textError is what UnmarshalText of this package says; it holds nothing of the text.
type textError string

func (e textError) Error() string { return string(e) }
