package vendor

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/zstd"
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

// maxWindow bounds what expanding takes, in octets: the window of zstd -19.
const maxWindow = 8 << 20

func expandZstd(b []byte) ([]byte, error) {
	// One decoder decodes in this goroutine.
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if len(b) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	if b, err = d.DecodeAll(b, nil); err != nil {
		return nil, err
	}
	return readAll(bytes.NewReader(b), maxFirmware)
}
