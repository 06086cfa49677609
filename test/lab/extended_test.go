//go:build lab

package lab

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/jelling-ble/jelling/gap"
)

// TestExtendedAdvertising has BlueZ hear our extended advertisement, and us BlueZ's. The radio is btvirt, which takes no more data
// than in legacy ones, and dies of them;
// its controllers are of Bluetooth 5 if they are dual-mode, and then say that they can't encrypt, for which nobody asks here.
func TestExtendedAdvertising(t *testing.T) {
	btvirt(t, "-l2")
	d := &central{adapter: "hci1"}
	d.daemon = daemon(t)
	d.boot(t)
	h := ownHost(t, gap.Config{})
	data := pattern(12)
	a, err := h.NewAdvertising(patiently(t), gap.AdvertiseConfig{Extended: true, NonConnectable: true,
		Payload: gap.Payload{Name: "Lab box", Manufacturer: append([]byte{0xFF, 0xFF}, data...)}})
	if err != nil {
		t.Fatal(err)
	}
	if r := d.does("find Lab box"); r.Value != hex.EncodeToString(data) {
		t.Errorf("BlueZ has heard %s", r.Value)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}

	structure, ok := gap.AppendAD(nil, gap.ADManufacturer, append([]byte{0xFF, 0xFF}, data...))
	if !ok {
		t.Fatal("no room")
	}
	run(t, "btmgmt", "--index", "1", "add-adv", "-P", "1M", "-d", hex.EncodeToString(structure), "1")
	for heard, err := range h.Scan(patiently(t), gap.ScanConfig{}) {
		if err != nil {
			t.Fatal(err)
		}
		if company, got, ok := heard.Data.Manufacturer(); ok && company == 0xFFFF {
			if !bytes.Equal(got, data) || heard.Legacy || heard.Truncated {
				t.Errorf("heard %x, %+v", got, heard)
			}
			return
		}
	}
	t.Error("BlueZ was not heard")
}
