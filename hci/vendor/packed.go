package vendor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// compressions is how firmware may be packed, in the order in which the kernel looks.
var compressions = []struct {
	suffix string
	expand func([]byte) ([]byte, error)
}{
	{"", func(b []byte) ([]byte, error) { return b, nil }},
	{".zst", expandZstd},
	{".xz", expandXz},
}

// maxWindow bounds what expanding takes, in octets: the window of zstd -19, and the dictionary of xz -6.
const maxWindow = 8 << 20

func expandZstd(b []byte) ([]byte, error) {
	// One decoder decodes in this goroutine.
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if b, err = d.DecodeAll(b, nil); err != nil {
		return nil, err
	}
	return readAll(bytes.NewReader(b), maxFirmware)
}

func expandXz(b []byte) ([]byte, error) {
	if err := checkXz(b); err != nil {
		return nil, err
	}
	r, err := xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return readAll(r, maxFirmware)
}

// checkXz refuses a stream whose first block asks for a dictionary longer than xz -9 makes it, since the reader
// allocates what it is asked for. What is not understood is the reader's to refuse.
func checkXz(b []byte) error {
	const (
		streamHeader = 12
		sizes        = 0xC0 // the flags of two optional fields in a block's header
		lzma2        = 0x21
		longest      = 28 // 64 MiB
	)
	if len(b) < streamHeader+2 {
		return io.ErrUnexpectedEOF
	}
	flags, b := b[streamHeader+1], b[streamHeader+2:]
	for range bits.OnesCount8(flags & sizes) {
		_, n := binary.Uvarint(b)
		if n <= 0 {
			return io.ErrUnexpectedEOF
		}
		b = b[n:]
	}
	if len(b) >= 3 && b[0] == lzma2 && b[2] > longest {
		return fmt.Errorf("%w: its dictionary", errTooLong)
	}
	return nil
}
