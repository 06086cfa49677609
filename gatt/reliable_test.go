package gatt_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// GATT/CL/GAW/BV-06-C and its like.
func TestReliableWriteByScript(t *testing.T) {
	one := []att.HandleValue{{Handle: 7, Value: []byte{1, 2, 3}}}
	for _, c := range []struct {
		name   string
		values []att.HandleValue
		steps  []step
		want   error
	}{
		{"GATT/CL/GAW/BV-06-C", one, []step{{"16 0700 0000 010203", "17 0700 0000 010203"}, {"18 01", "19"}}, nil},
		{"several values, one in parts", []att.HandleValue{{Handle: 7, Value: longValue[:20]}, {Handle: 8, Value: nil}, {Handle: 9, Value: []byte{4}}}, []step{
			{"16 0700 0000 000102030405060708090a0b0c0d0e0f1011", "17 0700 0000 000102030405060708090a0b0c0d0e0f1011"},
			{"16 0700 1200 1213", "17 0700 1200 1213"},
			{"16 0800 0000", "17 0800 0000"},
			{"16 0900 0000 04", "17 0900 0000 04"},
			{"18 01", "19"}}, nil},
		{"another value comes back", one, []step{{"16 0700 0000 010203", "17 0700 0000 010204"}, {"18 00", "19"}}, gatt.ErrEcho},
		{"a value too short comes back", one, []step{{"16 0700 0000 010203", "17 0700 0000 0102"}, {"18 00", "19"}}, gatt.ErrEcho},
		{"another handle comes back", one, []step{{"16 0700 0000 010203", "17 0800 0000 010203"}, {"18 00", "19"}}, gatt.ErrEcho},
		{"another offset comes back", one, []step{{"16 0700 0000 010203", "17 0700 0100 010203"}, {"18 00", "19"}}, gatt.ErrEcho},
		{"GATT/CL/GAW/BI-14-C", one, []step{{"16 0700 0000 010203", "01 16 0700 01"}, {"18 00", "19"}}, att.ErrInvalidHandle},
		{"GATT/CL/GAW/BI-15-C", one, []step{{"16 0700 0000 010203", "01 16 0700 03"}, {"18 00", "19"}}, att.ErrWriteNotPermitted},
		{"GATT/CL/GAW/BI-17-C", one, []step{{"16 0700 0000 010203", "01 16 0700 08"}, {"18 00", "19"}}, att.ErrInsufficientAuthorization},
		{"GATT/CL/GAW/BI-18-C", one, []step{{"16 0700 0000 010203", "01 16 0700 05"}, {"18 00", "19"}}, att.ErrInsufficientAuthentication},
		{"GATT/CL/GAW/BI-19-C", one, []step{{"16 0700 0000 010203", "01 16 0700 0c"}, {"18 00", "19"}}, att.ErrEncryptionKeySizeTooShort},
		{"the queue is full", one, []step{{"16 0700 0000 010203", "01 16 0700 09"}, {"18 00", "19"}}, att.ErrPrepareQueueFull},
		{"execution is refused", one, []step{{"16 0700 0000 010203", "17 0700 0000 010203"}, {"18 01", "01 18 0700 80"}}, att.ErrorCode(0x80)},
		{"no values", nil, []step{{"18 01", "19"}}, nil},
		{"too long for any attribute", []att.HandleValue{{Handle: 7, Value: make([]byte, 513)}}, nil, att.ErrInvalidAttributeValueLength},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := script(t, atttest.Options{}, gatt.Config{})
				done := background(func() error { return conn.Client().ReliableWrite(bg, c.values...) })
				answers(peer, c.steps)
				if err := <-done; !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
				peer.WantNothing()
			})
		})
	}
}

func TestReliableWrite(t *testing.T) {
	a := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read | gatt.Write, Value: []byte("old")}
	b := &gatt.Characteristic{UUID: gatt.SerialNumber, Properties: gatt.Read | gatt.Write, Value: []byte("old"), MaxLen: 4}
	server := bare(t, a, b)
	near, _ := pair(t, atttest.Options{}, gatt.Config{}, gatt.Config{Server: server})
	long := []byte(strings.Repeat("x", 100))
	wantNil(t, near.Client().ReliableWrite(bg, att.HandleValue{Handle: 3, Value: long}, att.HandleValue{Handle: 5, Value: []byte("new")}))
	if string(server.Value(a)) != string(long) || string(server.Value(b)) != "new" {
		t.Errorf("%q %q", server.Value(a), server.Value(b))
	}
	err := near.Client().ReliableWrite(bg, att.HandleValue{Handle: 3, Value: []byte("y")}, att.HandleValue{Handle: 5, Value: []byte("too long")})
	if !errors.Is(err, att.ErrInvalidAttributeValueLength) || string(server.Value(a)) != string(long) {
		t.Errorf("%q, %v", server.Value(a), err)
	}
}

// A subscription that a server remembers is taken up without a request, and renewed with one.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		got := make(chan byte, 4)
		s, err := conn.Client().Resume(remote(gatt.Indicate, 9), func(value []byte) { got <- value[0] })
		wantNil(t, err)
		peer.WantNothing()
		peer.Send("1d 0900 05")
		peer.Want("1e")
		if v := <-got; v != 5 {
			t.Errorf("value %d", v)
		}
		done := background(func() error { return s.Renew(bg) })
		peer.Want("12 0a00 0200")
		peer.Send("01 12 0a00 0e")
		if err := <-done; !errors.Is(err, att.ErrUnlikelyError) {
			t.Errorf("error %v", err)
		}
		peer.Send("1d 0900 06") // a renewal that fails ends nothing
		peer.Want("1e")
		<-got
		if _, err := conn.Client().Resume(remote(gatt.Indicate, 9), nil); !errors.Is(err, gatt.ErrSubscribed) {
			t.Errorf("twice: %v", err)
		}
		if _, err := conn.Client().Resume(gatt.RemoteCharacteristic{Properties: gatt.Notify}, nil); !errors.Is(err, gatt.ErrNoCCCD) {
			t.Errorf("without descriptors: %v", err)
		}
		if _, err := conn.Client().Resume(remote(gatt.Read, 9), nil); !errors.Is(err, gatt.ErrNotOffered) {
			t.Errorf("without a property: %v", err)
		}
	})
}
