package vendor

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// The files in testdata are BCM43430A1.hcd, packed by the tools that distributions use: .xz and .zst as the kernel's
// documentation says, and other ways.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func expander(t testing.TB, name string) func([]byte) ([]byte, error) {
	t.Helper()
	for _, c := range compressions[1:] {
		if strings.HasSuffix(name, c.suffix) {
			return c.expand
		}
	}
	t.Fatalf("nobody expands %s", name)
	return nil
}

func TestExpand(t *testing.T) {
	want := testdata(t, "BCM43430A1.hcd")
	for _, tt := range []struct {
		name string // how it was made
		good bool
	}{
		{"BCM43430A1.hcd.xz", true},  // xz -C crc32 --lzma2=dict=2MiB
		{"BCM43430A1.hcd.zst", true}, // zstd -19
		{"nine.xz", true},            // xz -9 --check=sha256
		{"blocks.xz", true},          // xz -9 --block-size=300
		{"stdin.zst", true},          // zstd -19 < it
		{"dict128.xz", true},         // xz --lzma2=dict=128MiB, of which nothing comes
		{"sparc.xz", false},          // xz --sparc --lzma2: another filter
		{"long.zst", false},          // zstd --ultra --long=31 < it: a window of 2 GiB
	} {
		got, err := expander(t, tt.name)(testdata(t, tt.name))
		if tt.good && (err != nil || !bytes.Equal(got, want)) {
			t.Errorf("%s: %d octets, %v", tt.name, len(got), err)
		}
		if !tt.good && err == nil {
			t.Errorf("%s was expanded", tt.name)
		}
	}
}

func TestFirmwarePacked(t *testing.T) {
	for _, suffix := range []string{"", ".zst", ".xz"} {
		files := fstest.MapFS{}
		for _, s := range []string{".xz", ".zst", ""} { // what comes later in the search is damaged
			files["lib/firmware/brcm/BCM43430A1.hcd"+s] = &fstest.MapFile{Data: []byte("damaged")}
			if s == suffix {
				files["lib/firmware/brcm/BCM43430A1.hcd"+s].Data = testdata(t, "BCM43430A1.hcd"+s)
				break
			}
		}
		path, records, err := search(files, "")
		if suffix == ".xz" {
			if err != nil || path != "/lib/firmware/brcm/BCM43430A1.hcd.xz" || len(records) != 5 {
				t.Errorf("%q, %d records, %v", path, len(records), err)
			}
			continue
		}
		if err != nil || path != "/lib/firmware/brcm/BCM43430A1.hcd"+suffix || len(records) != 5 {
			t.Errorf("%q, %d records, %v", path, len(records), err)
		}
	}
}

// Damage is seen: whatever part of a packed file is missing, whichever bit of it is flipped, there is an error, or
// what was packed.
func TestExpandDamaged(t *testing.T) {
	want := testdata(t, "BCM43430A1.hcd")
	for _, name := range []string{"BCM43430A1.hcd.xz", "BCM43430A1.hcd.zst", "nine.xz", "stdin.zst"} {
		whole, expand := testdata(t, name), expander(t, name)
		every := 1 // bit of an octet: all of the two forms that there are, and one of the others
		if !strings.HasPrefix(name, "BCM") {
			every = 8
		}
		for n := range whole {
			if _, err := expand(whole[:n]); err == nil {
				t.Errorf("%s: the first %d octets were expanded", name, n)
			}
		}
		for at := range whole {
			flipped := bytes.Clone(whole)
			for bit := at % every; bit < 8; bit += every {
				flipped[at] ^= 1 << bit
				if got, err := expand(flipped); err == nil && !bytes.Equal(got, want) {
					t.Errorf("%s: octet %d, bit %d: not seen", name, at, bit)
				}
				flipped[at] ^= 1 << bit
			}
		}
		if _, err := expand(append(bytes.Clone(whole), "more"...)); err == nil {
			t.Errorf("%s: what stands behind it was passed over", name)
		}
	}
}

// What is small on disk may be large: nothing beyond the longest firmware is kept.
func TestExpandTooLong(t *testing.T) {
	for _, n := range []int{maxFirmware, maxFirmware + 1, 9 << 20} {
		large := make([]byte, n)
		var x, z bytes.Buffer
		w, err := xz.NewWriter(&x)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(large); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		e, err := zstd.NewWriter(&z)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write(large); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		for name, packed := range map[string][]byte{".xz": x.Bytes(), ".zst": z.Bytes()} {
			got, err := expander(t, name)(packed)
			if fits := n == maxFirmware; fits != (err == nil) || fits && len(got) != n {
				t.Errorf("%d octets%s: %d, %v", n, name, len(got), err)
			}
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, name := range []string{"BCM43430A1.hcd.xz", "BCM43430A1.hcd.zst", "nine.xz", "blocks.xz", "stdin.zst", "long.zst", "dict128.xz"} {
		f.Add(testdata(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range compressions {
			got, err := c.expand(b)
			if c.suffix != "" && err == nil && len(got) > maxFirmware {
				t.Errorf("%d octets%s", len(got), c.suffix)
			}
		}
	})
}
