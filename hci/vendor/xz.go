package vendor

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// The container is read here, and only the compression by a library: so everything is checked, nothing that is cut
// off passes for the end, and a block gets the memory that its content needs, whatever dictionary it asks for.

// errXz is a file that is no whole .xz stream.
var errXz = errors.New("xz: damaged")

func xzError(what string) error { return fmt.Errorf("%w: %s", errXz, what) }

const (
	xzMagic        = "\xFD7zXZ\x00"
	xzFooterMagic  = "YZ"
	xzHeaderLength = 12 // of the stream's header and of its footer
	xzLZMA2        = 0x21
)

// xzChecks are the checks behind a block, by their number in the stream's flags.
var xzChecks = map[byte]func([]byte) []byte{
	0x00: func([]byte) []byte { return nil },
	0x01: func(b []byte) []byte { return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)) },
	0x04: func(b []byte) []byte {
		return binary.LittleEndian.AppendUint64(nil, crc64.Checksum(b, crc64.MakeTable(crc64.ECMA)))
	},
	0x0A: func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] },
}

// expandXz expands one .xz stream of blocks with the LZMA2 filter alone.
func expandXz(b []byte) ([]byte, error) {
	blocks, index, check, err := splitXz(b)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, size := range index {
		length := (size.unpadded + 3) &^ 3
		if size.content > uint64(maxFirmware-len(all)) {
			return nil, fmt.Errorf("%w: more than %d octets", errTooLong, maxFirmware)
		}
		if length < size.unpadded || length > uint64(len(blocks)) {
			return nil, xzError("a block is longer than the file")
		}
		content, err := expandBlock(blocks[:length], int(length-size.unpadded), int(size.content), check)
		if err != nil {
			return nil, err
		}
		all, blocks = append(all, content...), blocks[length:]
	}
	if len(blocks) != 0 {
		return nil, xzError("more than the index says")
	}
	return all, nil
}

// blockSize is a record of the index: octets in the file without padding, and of content.
type blockSize struct{ unpadded, content uint64 }

// splitXz checks all that stands around the blocks.
func splitXz(b []byte) (blocks []byte, index []blockSize, check func([]byte) []byte, err error) {
	if len(b) < 2*xzHeaderLength || string(b[:6]) != xzMagic || string(b[len(b)-2:]) != xzFooterMagic {
		return nil, nil, nil, xzError("it does not begin and end as one stream")
	}
	header, footer, b := b[:xzHeaderLength], b[len(b)-xzHeaderLength:], b[xzHeaderLength:len(b)-xzHeaderLength]
	if !checked(header[6:8], header[8:]) || !checked(footer[4:10], footer) || !bytes.Equal(header[6:8], footer[8:10]) {
		return nil, nil, nil, xzError("header and footer")
	}
	check, known := xzChecks[header[7]]
	if header[6] != 0 || !known {
		return nil, nil, nil, xzError("unknown flags")
	}
	n := (uint64(binary.LittleEndian.Uint32(footer[4:])) + 1) * 4
	if n < 8 || n > uint64(len(b)) {
		return nil, nil, nil, xzError("the index is longer than the file")
	}
	at := len(b) - int(n)
	index, err = parseIndex(b[at:])
	return b[:at], index, check, err
}

// parseIndex reads the index, with its checksum.
func parseIndex(b []byte) ([]blockSize, error) {
	sum := b[len(b)-4:]
	b = b[:len(b)-4]
	if !checked(b, sum) || b[0] != 0 {
		return nil, xzError("index")
	}
	count, b := number(b[1:])
	var list []blockSize
	for range count {
		var s blockSize
		s.unpadded, b = number(b)
		s.content, b = number(b)
		if b == nil || s.unpadded == 0 {
			return nil, xzError("a record of the index")
		}
		list = append(list, s)
	}
	if b == nil || len(b) > 3 || !zeros(b) {
		return nil, xzError("padding of the index")
	}
	return list, nil
}

// expandBlock expands a block to so much content as the index says. In it are a header, what is packed, padding and
// the check.
func expandBlock(b []byte, padding, content int, check func([]byte) []byte) ([]byte, error) {
	head, behind := (int(b[0])+1)*4, len(b)-len(check(nil))
	if b[0] == 0 || behind-padding < head || !checked(b[:head-4], b[head-4:head]) {
		return nil, xzError("header of a block")
	}
	if err := checkFilters(b[1 : head-4]); err != nil {
		return nil, err
	}
	if !zeros(b[behind-padding : behind]) {
		return nil, xzError("padding of a block")
	}
	packed := bytes.NewReader(b[head : behind-padding])
	r, err := lzma.Reader2Config{DictCap: max(content, lzma.MinDictCap)}.NewReader2(packed)
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(content)+1))
	if err != nil {
		return nil, err
	}
	if len(out) != content || packed.Len() != 0 {
		return nil, xzError("a block of another length than the index says")
	}
	if !bytes.Equal(check(out), b[behind:]) {
		return nil, xzError("checksum of a block")
	}
	return out, nil
}

// checkFilters refuses blocks that are not of LZMA2 alone. What their headers say of sizes the index has said.
func checkFilters(b []byte) error {
	flags, b := b[0], b[1:]
	for _, has := range []byte{0x40, 0x80} {
		if flags&has != 0 {
			_, b = number(b)
		}
	}
	if flags&^0xC0 != 0 || len(b) < 3 || b[0] != xzLZMA2 || b[1] != 1 || !zeros(b[3:]) {
		return xzError("other filters than LZMA2")
	}
	return nil
}

// checked tells whether a CRC32 is that of b.
func checked(b, sum []byte) bool { return crc32.ChecksumIEEE(b) == binary.LittleEndian.Uint32(sum) }

// zeros tells whether padding is what it should be.
func zeros(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// number reads a number of seven bits to the octet; the rest is nil if there is none.
func number(b []byte) (uint64, []byte) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil
	}
	return v, b[n:]
}
