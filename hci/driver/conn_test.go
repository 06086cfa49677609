package driver_test

import (
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// Fragments arrive and leave with their boundary flags.
func TestFragments(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Peripheral))
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte("a")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.Continuing, Data: []byte("b")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstNonFlushable, Data: []byte("c")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: 3, Data: []byte("d")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Broadcast: 1, Data: []byte("e")})
		synctest.Wait()
		l := h.link(0)
		var got string
		for _, f := range l.in {
			got += string('0'+f[0]) + string(f[1:])
		}
		if got != "1a0b1c" {
			t.Errorf("fragments %q", got)
		}
		l.send([]byte("x"), true)
		l.send([]byte("y"), false)
		synctest.Wait()
		sent := ctl.Sent()
		for i, want := range []string{"\x02\x40\x00\x01\x00x", "\x02\x40\x10\x01\x00y"} {
			if got := string(sent[len(sent)-2+i]); got != want {
				t.Errorf("fragment %d is %x, want %x", i, got, want)
			}
		}
	})
}

// A Long Term Key Request is answered at once, by the key or by its negative reply (complaint 14).
func TestKeyRequest(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLELongTermKeyRequestReply, hcitest.Return(64, 0))
		ctl.Handle(hci.OpLELongTermKeyRequestNegativeReply, hcitest.Return(64, 0))
		ctl.Event(connected(64, hci.Peripheral))
		ctl.Event(hci.LELongTermKeyRequest{Handle: 64})
		synctest.Wait()
		if count(ctl, hci.OpLELongTermKeyRequestNegativeReply) != 1 {
			t.Error("no negative reply")
		}
		l := h.link(0)
		l.mu.Lock()
		l.key = &[16]byte{1, 2, 3}
		l.mu.Unlock()
		ctl.Event(hci.LELongTermKeyRequest{Handle: 64})
		synctest.Wait()
		last := ctl.Commands()[len(ctl.Commands())-1]
		if last.Opcode != hci.OpLELongTermKeyRequestReply || last.Parameters[2] != 1 {
			t.Errorf("the last command is %v", last.Opcode)
		}
	})
}

// Encryption: the outcome by either event, or by the command's own refusal.
func TestEncryption(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Central)) // nobody asked: it is disconnected
		ctl.Event(connected(65, hci.Peripheral))
		synctest.Wait()
		if count(ctl, hci.OpDisconnect) != 1 {
			t.Error("an unwanted connection was kept")
		}
		l := h.link(0)
		ctl.Handle(hci.OpLEEnableEncryption, hcitest.Refuse(hci.CommandDisallowed))
		if err := l.conn.Encrypt([16]byte{}, [8]byte{}, 0); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctl.Event(hci.EncryptionChange{Status: hci.PINOrKeyMissing, Handle: 65})
		ctl.Event(hci.EncryptionKeyRefreshComplete{Handle: 65})
		synctest.Wait()
		want := []hci.Status{hci.CommandDisallowed, hci.PINOrKeyMissing, hci.Success}
		if len(l.encryption) != 3 || l.encryption[0] != want[0] || l.encryption[1] != want[1] || l.encryption[2] != want[2] {
			t.Errorf("%v, want %v", l.encryption, want)
		}
	})
}
