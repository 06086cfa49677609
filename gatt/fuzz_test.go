package gatt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// pdus cuts a stream into PDUs: an octet of length before each.
func pdus(stream []byte) (list [][]byte) {
	for len(stream) > 0 {
		n := min(int(stream[0]), len(stream)-1)
		list = append(list, stream[1:1+n])
		stream = stream[1+n:]
	}
	return list
}

// stream is the reverse of pdus.
func stream(list ...[]byte) (b []byte) {
	for _, p := range list {
		b = append(append(b, byte(len(p))), p...)
	}
	return b
}

// FuzzServer gives a server any stream of PDUs. It must answer each request with something well-formed, and nothing else with anything.
func FuzzServer(f *testing.F) {
	f.Add(stream([]byte{0x02, 0x40, 0}, []byte{0x10, 1, 0, 0xFF, 0xFF, 0, 0x28}, []byte{0x0A, 3, 0}, []byte{0x12, 0x0A, 0, 1, 0}))
	f.Add(stream([]byte{0x16, 0x11, 0, 0, 0, 1}, []byte{0x16, 0x11, 0, 1, 0, 1}, []byte{0x18, 1}, []byte{0x0C, 0x11, 0, 1, 0}))
	f.Add(stream([]byte{0x0E, 3, 0, 5, 0}, []byte{0x20, 3, 0, 5, 0}, []byte{0x06, 1, 0, 0xFF, 0xFF, 0, 0x28, 0x0D, 0x18}, []byte{0x04, 1, 0, 0xFF, 0xFF}))
	f.Add(stream([]byte{0x08, 1, 0, 0xFF, 0xFF, 3, 0x28}, []byte{0x52, 0x13, 0, 9}, []byte{0xD2, 1, 0}, []byte{0xBF, 0}, []byte{}))
	f.Fuzz(func(t *testing.T, in []byte) {
		synctest.Test(t, func(t *testing.T) {
			conn, peer := script(t, atttest.Options{}, gatt.Config{Server: specimen(t)})
			for _, pdu := range pdus(in) {
				if len(pdu) > conn.ATT().MTU() {
					continue // package att sees to that
				}
				if err := peer.Bearer().Send(bg, pdu); err != nil {
					return
				}
				synctest.Wait()
				if !answered(pdu) {
					peer.WantNothing()
					continue
				}
				answer := peer.Next()
				if _, err := att.Parse(answer); err != nil {
					t.Fatalf("%x answered with %x: %v", pdu, answer, err)
				}
				if op := att.Opcode(answer[0]); op != att.OpErrorResponse && op != att.Opcode(pdu[0])+1 {
					t.Fatalf("%x answered with %x", pdu, answer)
				}
			}
		})
	})
}

// answered tells whether something has to be said to a PDU.
func answered(pdu []byte) bool {
	if len(pdu) == 0 {
		return false
	}
	switch op := att.Opcode(pdu[0]); op.Kind() {
	case att.KindRequest:
		return true
	case att.KindIndication:
		return len(pdu) >= 3
	case att.KindUnknown:
		return !op.IsCommand()
	}
	return false
}

// FuzzClient answers a client's requests with any stream of PDUs. Whatever it asks has to come to an end.
func FuzzClient(f *testing.F) {
	f.Add(stream([]byte{0x03, 0x40, 0}, []byte{0x11, 6, 1, 0, 9, 0, 0x0D, 0x18}, []byte{0x01, 0x10, 10, 0, 10},
		[]byte{0x09, 7, 2, 0, 0x12, 3, 0, 0x37, 0x2A}, []byte{0x05, 1, 4, 0, 2, 0x29}, []byte{0x13}, []byte{0x1B, 3, 0, 1}, []byte{0x0B, 1}))
	f.Add(stream([]byte{0x01, 2, 0, 0, 6}, []byte{0x11, 6, 1, 0, 0xFF, 0xFF, 0x0D, 0x18}, []byte{0x1D, 3, 0, 1}, []byte{0x1E}))
	f.Add(stream([]byte{0x01, 2, 0, 0, 5}, []byte{0x03, 0, 2}, []byte{0x01, 0x10, 1, 0, 15}))
	f.Fuzz(func(t *testing.T, in []byte) {
		synctest.Test(t, func(t *testing.T) {
			conn, peer := script(t, atttest.Options{}, gatt.Config{
				Queue:  1,
				Secure: func(context.Context, att.ErrorCode, att.Security) error { return nil },
			})
			client := conn.Client()
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = client.ExchangeMTU(bg)
				services, _ := client.Discover(bg)
				for _, s := range services {
					if s.Handle == 0 || s.End < s.Handle {
						t.Errorf("service %+v", s)
					}
					for _, ch := range s.Characteristics {
						if ch.Handle < s.Handle || ch.ValueHandle <= ch.Handle || ch.End < ch.ValueHandle || ch.End > s.End {
							t.Errorf("characteristic %+v of service %+v", ch, s)
						}
						_, _ = client.Subscribe(bg, ch, func([]byte) {})
					}
				}
				if value, err := client.Read(bg, 3); err == nil && len(value) > att.MaxValueLen {
					t.Errorf("a value of %d octets", len(value))
				}
				_ = client.Write(bg, 3, longValue)
			}()
			for _, pdu := range pdus(in) {
				if peer.Bearer().Send(bg, pdu) != nil {
					break
				}
				synctest.Wait()
			}
			peer.Bearer().Disconnect(errors.New("end of the stream"))
			<-done
		})
	})
}

// FuzzState gives a server any text as what was kept for a client.
func FuzzState(f *testing.F) {
	f.Add(`{"cccd":[{"handle":4,"uuid":"2a37","value":1}]}`)
	f.Add(`{"cccd":[{"handle":4,"uuid":"2a37","value":65535},{"handle":0,"uuid":"","value":-1}]}`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, kept string) {
		d := newDesk(t, gatt.ServerConfig{})
		d.store.states = map[string]string{"phone": kept}
		conn, _ := d.visit(t, "a")
		_ = conn.Server().SetClient("phone")
		for _, ch := range []*gatt.Characteristic{d.notify, d.indicate} {
			notify, indicate := conn.Server().Subscribed(ch)
			if notify && !ch.Properties.Has(gatt.Notify) || indicate && !ch.Properties.Has(gatt.Indicate) {
				t.Errorf("subscribed to what is not offered")
			}
		}
	})
}

// Every PDU of a good conversation, cut at every octet, gets an answer and does no harm.
func TestTruncatedRequests(t *testing.T) {
	for _, pdu := range [][]byte{
		{0x02, 0x40, 0}, {0x04, 1, 0, 0xFF, 0xFF}, {0x06, 1, 0, 0xFF, 0xFF, 0, 0x28, 0x0D, 0x18}, {0x08, 1, 0, 0xFF, 0xFF, 3, 0x28},
		{0x0A, 3, 0}, {0x0C, 3, 0, 0, 0}, {0x0E, 3, 0, 5, 0}, {0x10, 1, 0, 0xFF, 0xFF, 0, 0x28}, {0x12, 0x0A, 0, 1, 0},
		{0x16, 0x11, 0, 0, 0, 1}, {0x18, 0}, {0x20, 3, 0, 5, 0}, {0x52, 0x13, 0, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, peer := script(t, atttest.Options{}, gatt.Config{Server: specimen(t)})
			for n := range len(pdu) {
				wantNil(t, peer.Bearer().Send(bg, pdu[:n]))
				if !answered(pdu[:n]) {
					peer.WantNothing()
					continue
				}
				if answer := peer.Next(); answer[0] != 0x01 && answer[0] != pdu[0]+1 {
					t.Errorf("%x answered with %x", pdu[:n], answer)
				}
			}
			peer.Ask("0a 0500", "0b 4103")
			time.Sleep(time.Minute) // nothing is left waiting
			peer.WantNothing()
		})
	}
}
