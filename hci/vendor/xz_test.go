package vendor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"

	"github.com/ulikunitz/xz/lzma"
)

// xzParts is a .xz stream taken apart, so that each part can be wrong while all checksums are right.
type xzParts struct {
	flags, footerFlags []byte
	blockHeader        []byte // without its length and checksum
	content            []byte
	extra              []byte // behind what is packed
	padding            []byte // behind that
	check              []byte // behind that
	indexStart         byte
	count              uint64
	unpadded, size     int64 // differences from what is right
	indexPadding       byte
	behind             []byte // the index
	backward           int64  // a difference from what is right
}

func goodXz(content string) xzParts {
	return xzParts{
		flags: []byte{0, 1}, footerFlags: []byte{0, 1}, content: []byte(content), count: 1,
		blockHeader: []byte{0, 0x21, 1, 22, 0, 0, 0}, check: binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(content))),
	}
}

func crc(b []byte) []byte { return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)) }

func (p xzParts) bytes(t testing.TB) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := lzma.NewWriter2(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(p.content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	header := append([]byte{byte((1+len(p.blockHeader)+4)/4 - 1)}, p.blockHeader...)
	block := append(append(header, crc(header)...), packed.Bytes()...)
	block = append(block, p.extra...)
	unpadded := len(block) + len(p.check)
	if p.padding == nil {
		p.padding = make([]byte, 3&-unpadded)
	}
	block = append(append(block, p.padding[:3&-unpadded]...), p.check...)

	index := binary.AppendUvarint([]byte{p.indexStart}, p.count)
	index = binary.AppendUvarint(index, uint64(int64(unpadded)+p.unpadded))
	index = binary.AppendUvarint(index, uint64(int64(len(p.content))+p.size))
	for len(index)%4 != 0 {
		index = append(index, p.indexPadding)
	}
	index = append(append(index, crc(index)...), p.behind...)
	footer := binary.LittleEndian.AppendUint32(nil, uint32(int64(len(index))/4-1+p.backward))
	footer = append(footer, p.footerFlags...)

	b := append([]byte(xzMagic), p.flags...)
	b = append(append(append(b, crc(p.flags)...), block...), index...)
	return append(append(append(b, crc(footer)...), footer...), xzFooterMagic...)
}

func TestExpandXz(t *testing.T) {
	// So long that the index needs padding, and what is packed as well.
	const text = "what firmware says, and says again, and says again, then something else, and then says again what it said, until there is no room left"
	for _, tt := range []struct {
		name   string
		change func(*xzParts)
		err    string // empty: it is good
	}{
		{"good", func(*xzParts) {}, ""},
		{"no check", func(p *xzParts) { p.flags, p.footerFlags, p.check = []byte{0, 0}, []byte{0, 0}, nil }, ""},
		{"empty", func(p *xzParts) { p.content, p.check = nil, make([]byte, 4) }, ""},
		{"sizes in the block's header", func(p *xzParts) { p.blockHeader = []byte{0xC0, 0x85, 0x01, 0x85, 0x01, 0x21, 1, 22, 0, 0, 0} }, ""},
		{"a dictionary of 4 GiB", func(p *xzParts) { p.blockHeader[3] = 40 }, ""},

		{"flags differ", func(p *xzParts) { p.footerFlags = []byte{0, 4} }, "header and footer"},
		{"unknown check", func(p *xzParts) { p.flags, p.footerFlags = []byte{0, 2}, []byte{0, 2} }, "unknown flags"},
		{"reserved flags", func(p *xzParts) { p.flags, p.footerFlags = []byte{1, 1}, []byte{1, 1} }, "unknown flags"},
		{"another filter", func(p *xzParts) { p.blockHeader[1] = 4 }, "other filters"},
		{"two filters", func(p *xzParts) { p.blockHeader[0] = 1 }, "other filters"},
		{"reserved flags of a block", func(p *xzParts) { p.blockHeader[0] = 4 }, "other filters"},
		{"sizes that do not end", func(p *xzParts) { p.blockHeader = bytes.Repeat([]byte{0xC0}, 15) }, "other filters"},
		{"padding of a block's header", func(p *xzParts) { p.blockHeader[6] = 1 }, "other filters"},
		{"checksum", func(p *xzParts) { p.check[3] ^= 1 }, "checksum of a block"},
		{"padding of a block", func(p *xzParts) { p.padding = []byte{1, 2, 3} }, "padding of a block"},
		{"more behind what is packed", func(p *xzParts) { p.extra = []byte{0} }, "a block of another length"},
		{"no index", func(p *xzParts) { p.indexStart = 1 }, "index"},
		{"no record", func(p *xzParts) { p.count = 0 }, "padding of the index"},
		{"two records", func(p *xzParts) { p.count = 2 }, "a record of the index"},
		{"records without number", func(p *xzParts) { p.count = 1 << 62 }, "a record of the index"},
		{"padding of the index", func(p *xzParts) { p.indexPadding = 7 }, "padding of the index"},
		{"more behind the index", func(p *xzParts) { p.behind = make([]byte, 4) }, "index"},
		{"a block longer than the file", func(p *xzParts) { p.unpadded = 1000 }, "a block is longer than the file"},
		{"a block longer than numbers", func(p *xzParts) { p.unpadded = -1 << 62 }, "a block is longer than the file"},
		{"a shorter block", func(p *xzParts) { p.unpadded = -4 }, "of a block"},
		{"less content", func(p *xzParts) { p.size = -1 }, "a block of another length"},
		{"more content", func(p *xzParts) { p.size = 1 }, "a block of another length"},
		{"too much content", func(p *xzParts) { p.size = maxFirmware }, errTooLong.Error()},
		{"content without bound", func(p *xzParts) { p.size = -1000 }, errTooLong.Error()},
		{"an index longer than the file", func(p *xzParts) { p.backward = 1000 }, "the index is longer than the file"},
		{"an index without length", func(p *xzParts) { p.backward = -1 << 31 }, "the index is longer than the file"},
		{"a longer index", func(p *xzParts) { p.backward = 1 }, "index"},
		{"a shorter index", func(p *xzParts) { p.backward = -1 }, "index"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := goodXz(text)
			tt.change(&p)
			got, err := expandXz(p.bytes(t))
			switch {
			case tt.err != "":
				if err == nil || !strings.Contains(err.Error(), tt.err) || got != nil {
					t.Errorf("%q, %v, want %s", got, err, tt.err)
				}
				if !errors.Is(err, errXz) && !errors.Is(err, errTooLong) {
					t.Error(err)
				}
			case err != nil || !bytes.Equal(got, p.content):
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// A block gets no more memory than its content needs.
func TestExpandXzMemory(t *testing.T) {
	p := goodXz("small")
	p.blockHeader[3] = 40 // 4 GiB
	b := p.bytes(t)
	const rounds = 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		if _, err := expandXz(b); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / rounds; n > 1<<20 {
		t.Errorf("%d octets", n)
	}
}
