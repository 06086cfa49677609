package driver_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// FuzzController: no sequence of packets makes the host stumble, and no sequence takes its credits. The
// script is lengths and octets; commands of ours are answered as by any controller in between.
func FuzzController(f *testing.F) {
	script := func(packets ...[]byte) (s []byte) {
		for _, p := range packets {
			s = append(append(s, byte(len(p))), p...)
		}
		return s
	}
	event := func(e hci.EventParameters) []byte { return hci.AppendEvent(nil, e) }
	link, gone := event(connected(64, hci.Peripheral)), event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
	f.Add(script(link, hci.AppendACL(nil, hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte{1}}), gone))
	f.Add(script(link, link, gone, gone))
	data := hci.AppendACL(nil, hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte{1}})
	f.Add(script(data, link, data, gone, data, link)) // before its connection, and behind it
	f.Add(script(append([][]byte{link}, slices.Repeat([][]byte{data}, 100)...)...))
	f.Add(script(link, event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 64, Count: 0xFFFF})), event(hci.LELongTermKeyRequest{Handle: 64})))
	f.Add(script(link, event(hci.EncryptionChange{Handle: 64, Enabled: 1}), event(hci.LERemoteConnectionParameterRequest{Handle: 64})))
	f.Add(script(event(hci.CommandComplete{NumPackets: 1}), event(hci.CommandStatus{NumPackets: 255}), event(hci.HardwareError{Hardware: 1})))
	f.Add(script(event(hci.LEAdvertisingReport{Reports: []hci.AdvertisingReport{{Data: []byte{1}}}}), []byte{hci.EventPacket, 0x3E, 3, 2, 255, 0}))
	f.Add(script(event(connected(64, hci.Central)), event(hci.LEConnectionUpdateComplete{Handle: 64}), []byte{0xF1}, nil))
	f.Fuzz(func(t *testing.T, script []byte) {
		bubble(t, hcitest.Settings{ACLBuffers: 3, HostFlow: true}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
			for n := 0; len(script) > 0; n++ {
				length := min(int(script[0]), len(script)-1)
				ctl.Inject(script[1 : 1+length])
				script = script[1+length:]
				for i, l := range h.links() {
					l.send([]byte{1}, true)
					l.conn.Throttle((n+i)%3 == 0)
				}
				if n%4 == 3 {
					synctest.Wait()
				}
			}
			synctest.Wait()
			free, total := c.Credits()
			if free < 0 || free > total || total != 3 {
				t.Errorf("%d of %d credits", free, total)
			}
			if n, err := c.Connections(); n > 0 && err == nil {
				for handle := range uint16(0x1000) {
					if ctl.Event(hci.DisconnectionComplete{Handle: handle}); handle%1000 == 0 {
						synctest.Wait()
					}
				}
				synctest.Wait()
			}
			select {
			case <-c.Done():
			default:
				conserved(t, c)
				if s, err := c.Statistics(); s.Withheld != 0 || err != nil {
					t.Errorf("%+v, %v", s, err)
				}
			}
		})
	})
}
