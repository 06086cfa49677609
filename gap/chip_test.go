package gap_test

import (
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/vendor"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// A controller without a public address, or with one that its maker's chips all have, gets a static random one;
// and Close leaves it reset, for whoever is next (complaints 2 and 5).
func TestControllerWithoutAnAddress(t *testing.T) {
	for name, settings := range map[string]hcitest.Settings{
		"none":          {NoAddress: true},
		"a placeholder": {Address: hci.Address{Octets: [6]byte{0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl := hcitest.NewController(settings)
				h, err := gap.Open(t.Context(), ctl, gap.Config{Chip: &vendor.Config{}})
				if err != nil {
					t.Fatal(err)
				}
				if a := h.Identity(); !a.IsStatic() || h.Controller().OwnAddress() != a {
					t.Errorf("identity %v, on air %v", a.Text(), h.Controller().OwnAddress().Text())
				}
				if err := h.Close(); err != nil {
					t.Error(err)
				}
				all := ctl.Commands()
				if last := all[len(all)-1]; last.Opcode != hci.OpReset {
					t.Errorf("the last command is %v", last.Opcode)
				}
			})
		})
	}
}
