package gatt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

func TestEveryRequestIsRepeatedOnceTheLinkIsSecure(t *testing.T) {
	hr := gatt.RemoteCharacteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify, Handle: 2, ValueHandle: 3, End: 4}
	for _, c := range []struct {
		name         string
		do           func(*gatt.Client) error
		request      string
		refusal      string // without the code
		answer, then string // what the second time brings, and what the client asks next
	}{
		{"services", func(c *gatt.Client) error { _, err := c.DiscoverServices(bg); return err }, "10 0100 ffff 0028", "01 10 0100", "11 06 0100 ffff 0d18", ""},
		{"services by UUID", func(c *gatt.Client) error { _, err := c.DiscoverServicesByUUID(bg, gatt.HeartRate); return err },
			"06 0100 ffff 0028 0d18", "01 06 0100", "07 0100 ffff", ""},
		{"characteristics", func(c *gatt.Client) error {
			_, err := c.DiscoverCharacteristics(bg, gatt.RemoteService{Handle: 1, End: 3})
			return err
		}, "08 0100 0300 0328", "01 08 0200", "09 07 0200 02 0300 372a", ""},
		{"descriptors", func(c *gatt.Client) error { _, err := c.DiscoverDescriptors(bg, hr); return err }, "04 0400 0400", "01 04 0400", "05 01 0400 0229", ""},
		{"read", func(c *gatt.Client) error { _, err := c.Read(bg, 3); return err }, "0a 0300", "01 0a 0300", "0b 01", ""},
		{"write", func(c *gatt.Client) error { return c.Write(bg, 3, []byte{1}) }, "12 0300 01", "01 12 0300", "13", ""},
		{"prepare write", func(c *gatt.Client) error { return c.Write(bg, 3, make([]byte, 21)) },
			"16 0300 0000 000000000000000000000000000000000000", "01 16 0300", "17 0300 0000 000000000000000000000000000000000000", "16 0300 1200 000000"},
		{"CCCD", func(c *gatt.Client) error {
			ch := hr
			ch.Descriptors = []gatt.RemoteDescriptor{{UUID: gatt.ClientCharacteristicConfiguration, Handle: 4}}
			_, err := c.Subscribe(bg, ch, func([]byte) {})
			return err
		}, "12 0400 0100", "01 12 0400", "13", ""},
	} {
		for _, code := range []att.ErrorCode{att.ErrInsufficientAuthentication, att.ErrEncryptionKeySizeTooShort, att.ErrInsufficientEncryption} {
			t.Run(c.name+"/"+code.Error(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					calls := 0
					conn, peer := script(t, atttest.Options{Security: shortKey}, gatt.Config{Secure: func(ctx context.Context, got att.ErrorCode, sec att.Security) error {
						calls++
						if got != code || sec != shortKey {
							t.Errorf("asked to raise %+v because of %v", sec, got)
						}
						return nil
					}})
					done := background(func() error { return c.do(conn.Client()) })
					peer.Want(c.request)
					peer.Send(c.refusal + string("0123456789abcdef"[code>>4]) + string("0123456789abcdef"[code&15]))
					peer.Want(c.request)
					peer.Send(c.answer)
					if c.then != "" {
						peer.Want(c.then)
						peer.Bearer().Disconnect(errors.New("enough"))
						<-done
					} else if err := <-done; err != nil {
						t.Error(err)
					}
					if calls != 1 {
						t.Errorf("security was raised %d times", calls)
					}
				})
			})
		}
	}
}

func TestSecurityThatIsNotRaised(t *testing.T) {
	refused := errors.New("the user said no")
	for _, c := range []struct {
		name   string
		secure func(context.Context, att.ErrorCode, att.Security) error
		steps  []step
		want   []error
	}{
		{"nobody to raise it", nil, []step{{"0a 0300", "01 0a 0300 05"}}, []error{att.ErrInsufficientAuthentication}},
		{"raising fails", func(context.Context, att.ErrorCode, att.Security) error { return refused },
			[]step{{"0a 0300", "01 0a 0300 0f"}}, []error{att.ErrInsufficientEncryption, refused}},
		{"refused again", func(context.Context, att.ErrorCode, att.Security) error { return nil },
			[]step{{"0a 0300", "01 0a 0300 05"}, {"0a 0300", "01 0a 0300 05"}}, []error{att.ErrInsufficientAuthentication}},
		{"refused for another reason", func(context.Context, att.ErrorCode, att.Security) error { return nil },
			[]step{{"0a 0300", "01 0a 0300 0f"}, {"0a 0300", "01 0a 0300 02"}}, []error{att.ErrReadNotPermitted}},
		{"authorization can't be raised", func(context.Context, att.ErrorCode, att.Security) error {
			t.Error("raised for want of authorization")
			return nil
		}, []step{{"0a 0300", "01 0a 0300 08"}}, []error{att.ErrInsufficientAuthorization}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := script(t, atttest.Options{}, gatt.Config{Secure: c.secure})
				done := background(func() error { _, err := conn.Client().Read(bg, 3); return err })
				answers(peer, c.steps)
				err := <-done
				for _, want := range c.want {
					if !errors.Is(err, want) {
						t.Errorf("error %v, want %v in it", err, want)
					}
				}
				peer.WantNothing()
			})
		})
	}
}

func TestClientAndServerRaiseSecurityTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read | gatt.Notify, Value: []byte{0x64},
			Permissions: gatt.Permissions{Read: gatt.Encrypted | gatt.Authenticated}}
		server := bare(t, secret)
		var asked []att.Security
		near, far := atttest.NewBearers(atttest.Options{})
		a := attach(t, near, gatt.Config{Secure: func(_ context.Context, _ att.ErrorCode, sec att.Security) error {
			asked = append(asked, sec)
			near.SetSecurity(authenticated)
			return nil
		}})
		attach(t, far, gatt.Config{Server: server})
		list, err := a.Client().FindCharacteristics(bg, gatt.BatteryLevel)
		if err != nil || len(list) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
		got := make(chan byte, 1)
		_, err = a.Client().Subscribe(bg, list[0], func(value []byte) { got <- value[0] })
		wantNil(t, err)
		wantNil(t, server.Notify(bg, secret, []byte{0x63}))
		if v := <-got; v != 0x63 {
			t.Errorf("value %x", v)
		}
		value, err := a.Client().Read(bg, list[0].ValueHandle)
		if err != nil || len(value) != 1 || value[0] != 0x63 {
			t.Errorf("read %x, %v", value, err)
		}
		if len(asked) != 1 || asked[0] != plain {
			t.Errorf("raised from %+v, want once, from a plain link", asked)
		}
	})
}

// The peer encrypts the link by its own doing while its refusal of a request in the clear is on the way. What counts
// is the link that the request was sent on: the one there is now may be all that is needed.
func TestRefusalThatMeetsEncryption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var link att.Security
		conn, peer := script(t, atttest.Options{}, gatt.Config{Security: func() att.Security { return link },
			Secure: func(_ context.Context, _ att.ErrorCode, sec att.Security) error {
				if sec.Encrypted {
					t.Error("asked to raise a link that was encrypted only after the request was sent")
				}
				return nil
			}})
		done := background(func() error { _, err := conn.Client().Read(bg, 3); return err })
		peer.Want("0a 0300")
		link = att.Security{Encrypted: true, KeySize: 16}
		peer.Send("01 0a 0300 05")
		peer.Want("0a 0300")
		peer.Send("0b 01")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
