package gatt_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

func TestDiscoveryByScript(t *testing.T) {
	const svc = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" // customService
	services := func(c *gatt.Client) (any, error) { return c.DiscoverServices(bg) }
	heartRate := func(c *gatt.Client) (any, error) { return c.DiscoverServicesByUUID(bg, gatt.HeartRate) }
	characteristics := func(c *gatt.Client) (any, error) {
		return c.DiscoverCharacteristics(bg, gatt.RemoteService{Handle: 0x10, End: 0x1F})
	}
	descriptors := func(c *gatt.Client) (any, error) {
		return c.DiscoverDescriptors(bg, gatt.RemoteCharacteristic{Handle: 0x10, ValueHandle: 0x11, End: 0x14})
	}
	for _, c := range []struct {
		name  string
		do    func(*gatt.Client) (any, error)
		steps []step
		want  any
	}{
		{"GATT/CL/GAD/BV-01-C all primary services", services, []step{
			{"10 0100 ffff 0028", "11 06 0100 0500 0018 0600 0600 0118"},
			{"10 0700 ffff 0028", "11 14 1000 1f00" + svc},
			{"10 2000 ffff 0028", "01 10 2000 0a"},
		}, []gatt.RemoteService{
			{UUID: gatt.GenericAccess, Handle: 1, End: 5},
			{UUID: gatt.GenericAttribute, Handle: 6, End: 6},
			{UUID: customService, Handle: 0x10, End: 0x1F},
		}},
		{"the last service ends at 0xFFFF", services, []step{
			{"10 0100 ffff 0028", "11 06 0100 ffff 0018"},
		}, []gatt.RemoteService{{UUID: gatt.GenericAccess, Handle: 1, End: 0xFFFF}}},
		{"no service", services, []step{{"10 0100 ffff 0028", "01 10 0100 0a"}}, []gatt.RemoteService(nil)},
		{"GATT/CL/GAD/BV-02-C services by UUID", heartRate, []step{
			{"06 0100 ffff 0028 0d18", "07 1000 1f00 2000 2f00"},
			{"06 3000 ffff 0028 0d18", "01 06 3000 0a"},
		}, []gatt.RemoteService{{UUID: gatt.HeartRate, Handle: 0x10, End: 0x1F}, {UUID: gatt.HeartRate, Handle: 0x20, End: 0x2F}}},
		{"GATT/CL/GAD/BV-02-C services by 128-bit UUID", func(c *gatt.Client) (any, error) { return c.DiscoverServicesByUUID(bg, customService) }, []step{
			{"06 0100 ffff 0028" + svc, "07 1000 ffff"},
		}, []gatt.RemoteService{{UUID: customService, Handle: 0x10, End: 0xFFFF}}},
		{"GATT/CL/GAD/BV-04-C characteristics", characteristics, []step{
			{"08 1000 1f00 0328", "09 07 1100 12 1200 372a 1400 02 1500 382a"},
			{"08 1600 1f00 0328", "09 15 1600 0a 1700" + svc},
			{"08 1800 1f00 0328", "01 08 1800 0a"},
		}, []gatt.RemoteCharacteristic{
			{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Notify, Handle: 0x11, ValueHandle: 0x12, End: 0x13},
			{UUID: gatt.BodySensorLocation, Properties: gatt.Read, Handle: 0x14, ValueHandle: 0x15, End: 0x15},
			{UUID: customService, Properties: gatt.Read | gatt.Write, Handle: 0x16, ValueHandle: 0x17, End: 0x1F},
		}},
		{"a characteristic that fills its service", characteristics, []step{
			{"08 1000 1f00 0328", "09 07 1e00 02 1f00 382a"},
		}, []gatt.RemoteCharacteristic{{UUID: gatt.BodySensorLocation, Properties: gatt.Read, Handle: 0x1E, ValueHandle: 0x1F, End: 0x1F}}},
		{"GATT/CL/GAD/BV-05-C characteristics by UUID", func(c *gatt.Client) (any, error) { return c.FindCharacteristics(bg, gatt.BatteryLevel) }, []step{
			{"08 0100 ffff 0328", "09 07 0200 02 0300 192a 0500 02 0600 382a 0800 10 0900 192a"},
			{"08 0a00 ffff 0328", "01 08 0a00 0a"},
		}, []gatt.RemoteCharacteristic{
			{UUID: gatt.BatteryLevel, Properties: gatt.Read, Handle: 2, ValueHandle: 3, End: 4},
			{UUID: gatt.BatteryLevel, Properties: gatt.Notify, Handle: 8, ValueHandle: 9, End: 0xFFFF},
		}},
		{"GATT/CL/GAD/BV-03-C included services", func(c *gatt.Client) (any, error) {
			return c.DiscoverIncludes(bg, gatt.RemoteService{Handle: 1, End: 0x0F})
		}, []step{
			{"08 0100 0f00 0228", "09 08 0200 1000 1f00 0f18"},
			{"08 0300 0f00 0228", "09 06 0300 2000 2f00 0400 3000 3f00"},
			{"08 0500 0f00 0228", "09 08 0500 4000 4f00 0a18"},
			{"08 0600 0f00 0228", "01 08 0600 0a"},
			{"0a 2000", "0b" + svc}, // a UUID of 128 bits is not told
			{"0a 3000", "0b" + svc},
		}, []gatt.RemoteInclude{
			{UUID: gatt.Battery, Handle: 2, Start: 0x10, End: 0x1F}, {UUID: customService, Handle: 3, Start: 0x20, End: 0x2F},
			{UUID: customService, Handle: 4, Start: 0x30, End: 0x3F}, {UUID: gatt.DeviceInformation, Handle: 5, Start: 0x40, End: 0x4F},
		}},
		{"an include at the last handle", func(c *gatt.Client) (any, error) {
			return c.DiscoverIncludes(bg, gatt.RemoteService{Handle: 0xFFFE, End: 0xFFFF})
		}, []step{{"08 feff ffff 0228", "09 08 ffff 1000 1f00 0f18"}}, []gatt.RemoteInclude{{UUID: gatt.Battery, Handle: 0xFFFF, Start: 0x10, End: 0x1F}}},
		{"GATT/CL/GAD/BV-06-C descriptors", descriptors, []step{
			{"04 1200 1400", "05 01 1200 0229 1300 0129"},
			{"04 1400 1400", "05 02 1400" + svc},
		}, []gatt.RemoteDescriptor{
			{UUID: gatt.ClientCharacteristicConfiguration, Handle: 0x12},
			{UUID: gatt.CharacteristicUserDescription, Handle: 0x13},
			{UUID: customService, Handle: 0x14},
		}},
		{"descriptors end at a declaration", descriptors, []step{
			{"04 1200 1400", "05 01 1200 0229 1300 0328 1400 382a"},
		}, []gatt.RemoteDescriptor{{UUID: gatt.ClientCharacteristicConfiguration, Handle: 0x12}}},
		{"descriptors end at a service at once", descriptors, []step{{"04 1200 1400", "05 01 1200 0028"}}, []gatt.RemoteDescriptor(nil)},
		{"no descriptors", descriptors, []step{{"04 1200 1400", "01 04 1200 0a"}}, []gatt.RemoteDescriptor(nil)},
		{"no room for descriptors", func(c *gatt.Client) (any, error) {
			return c.DiscoverDescriptors(bg, gatt.RemoteCharacteristic{Handle: 0xFFFE, ValueHandle: 0xFFFF, End: 0xFFFF})
		}, nil, []gatt.RemoteDescriptor(nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := script(t, atttest.Options{}, gatt.Config{})
				var got any
				done := background(func() (err error) { got, err = c.do(conn.Client()); return err })
				answers(peer, c.steps)
				wantNil(t, <-done)
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("got  %+v\nwant %+v", got, c.want)
				}
				peer.WantNothing()
			})
		})
	}
}

func TestDiscoveryOfNonsense(t *testing.T) {
	services := func(c *gatt.Client) error { _, err := c.DiscoverServices(bg); return err }
	byUUID := func(c *gatt.Client) error { _, err := c.DiscoverServicesByUUID(bg, gatt.HeartRate); return err }
	characteristics := func(c *gatt.Client) error {
		_, err := c.DiscoverCharacteristics(bg, gatt.RemoteService{Handle: 0x10, End: 0x1F})
		return err
	}
	descriptors := func(c *gatt.Client) error {
		_, err := c.DiscoverDescriptors(bg, gatt.RemoteCharacteristic{Handle: 0x10, ValueHandle: 0x11, End: 0x14})
		return err
	}
	includes := func(c *gatt.Client) error {
		_, err := c.DiscoverIncludes(bg, gatt.RemoteService{Handle: 0x10, End: 0x1F})
		return err
	}
	for _, c := range []struct {
		name   string
		do     func(*gatt.Client) error
		answer string
		want   error
	}{
		{"include before the service", includes, "09 08 0f00 0100 0200 0f18", gatt.ErrDiscovery},
		{"include after the service", includes, "09 08 2000 0100 0200 0f18", gatt.ErrDiscovery},
		{"includes out of order", includes, "09 08 1200 0100 0200 0f18 1100 0100 0200 0f18", gatt.ErrDiscovery},
		{"include of handle 0", includes, "09 08 1100 0000 0200 0f18", gatt.ErrDiscovery},
		{"include backwards", includes, "09 08 1100 0300 0200 0f18", gatt.ErrDiscovery},
		{"include of 3 octets", includes, "09 05 1100 010002", gatt.ErrDiscovery},
		{"service at handle 0", services, "11 06 0000 0500 0018", gatt.ErrDiscovery},
		{"service that ends before it begins", services, "11 06 0500 0400 0018", gatt.ErrDiscovery},
		{"the same service twice", services, "11 06 0100 0500 0018 0100 0500 0018", gatt.ErrDiscovery},
		{"services that overlap", services, "11 06 0100 0500 0018 0500 0600 0118", gatt.ErrDiscovery},
		{"services out of order", services, "11 06 0600 0700 0018 0100 0500 0118", gatt.ErrDiscovery},
		{"a service after the last handle", services, "11 06 0100 ffff 0018 0500 0600 0118", gatt.ErrDiscovery},
		{"service UUID of 3 octets", services, "11 07 0100 0500 001800", gatt.ErrDiscovery},
		{"service UUID of no octets", services, "11 04 0100 0500", gatt.ErrDiscovery},
		{"half a service", services, "11 06 0100 0500 00", att.ErrMalformed},
		{"no services in a list", services, "11 06", att.ErrMalformed},
		{"service refused", services, "01 10 0100 08", att.ErrInsufficientAuthorization},
		{"service by UUID at handle 0", byUUID, "07 0000 0500", gatt.ErrDiscovery},
		{"service by UUID backwards", byUUID, "07 0500 0400", gatt.ErrDiscovery},
		{"services by UUID that overlap", byUUID, "07 0100 0500 0300 0800", gatt.ErrDiscovery},
		{"characteristic before the service", characteristics, "09 07 0f00 02 1100 382a", gatt.ErrDiscovery},
		{"characteristic after the service", characteristics, "09 07 2000 02 2100 382a", gatt.ErrDiscovery},
		{"value after the service", characteristics, "09 07 1f00 02 2000 382a", gatt.ErrDiscovery},
		{"value at the declaration", characteristics, "09 07 1100 02 1100 382a", gatt.ErrDiscovery},
		{"value before the declaration", characteristics, "09 07 1100 02 1000 382a", gatt.ErrDiscovery},
		{"characteristics that overlap", characteristics, "09 07 1100 02 1300 382a 1200 02 1400 382a", gatt.ErrDiscovery},
		{"a characteristic after the last handle", func(c *gatt.Client) error {
			_, err := c.FindCharacteristics(bg, gatt.BatteryLevel)
			return err
		}, "09 07 feff 02 ffff 192a 0500 02 0600 192a", gatt.ErrDiscovery},
		{"declaration of 2 octets", characteristics, "09 04 1100 0212", gatt.ErrDiscovery},
		{"declaration without UUID", characteristics, "09 05 1100 02 1200", gatt.ErrDiscovery},
		{"declaration with a UUID of 4 octets", characteristics, "09 09 1100 02 1200 382a0000", gatt.ErrDiscovery},
		{"descriptor before the characteristic", descriptors, "05 01 1100 0229", gatt.ErrDiscovery},
		{"descriptor after the characteristic", descriptors, "05 01 1500 0229", gatt.ErrDiscovery},
		{"descriptors out of order", descriptors, "05 01 1300 0229 1200 0129", gatt.ErrDiscovery},
		{"descriptor twice", descriptors, "05 01 1200 0229 1200 0229", gatt.ErrDiscovery},
		{"descriptor format unknown", descriptors, "05 03 1200 0229", att.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := script(t, atttest.Options{}, gatt.Config{})
				done := background(func() error { return c.do(conn.Client()) })
				peer.Next()
				peer.Send(c.answer)
				if err := <-done; !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
				peer.WantNothing()
			})
		})
	}
}

// A server that goes on for ever is left when it has listed more than anybody has.
func TestDiscoveryIsBounded(t *testing.T) {
	conn, peer := script(t, atttest.Options{}, gatt.Config{})
	done := background(func() error { _, err := conn.Client().DiscoverServices(bg); return err })
	for handle := 1; handle <= 4097; handle++ {
		peer.Next()
		peer.Send(fmt.Sprintf("11 06 %02x%02x %02x%02x 0f18", handle&0xFF, handle>>8, handle&0xFF, handle>>8))
	}
	if err := <-done; !errors.Is(err, gatt.ErrDiscovery) {
		t.Errorf("error %v", err)
	}
}

func TestDiscover(t *testing.T) {
	for _, mtu := range []int{23, 64, 517} {
		t.Run(fmt.Sprint(mtu), func(t *testing.T) {
			a, _ := pair(t, atttest.Options{}, gatt.Config{MTU: mtu}, gatt.Config{Server: specimen(t)})
			client := a.Client()
			if _, err := client.ExchangeMTU(bg); err != nil || client.MTU() != mtu {
				t.Fatalf("MTU %d, %v", client.MTU(), err)
			}
			got, err := client.Discover(bg)
			wantNil(t, err)
			want := []gatt.RemoteService{
				{UUID: gatt.GenericAccess, Handle: 1, End: 5, Characteristics: []gatt.RemoteCharacteristic{
					{UUID: gatt.DeviceName, Properties: gatt.Read, Handle: 2, ValueHandle: 3, End: 3},
					{UUID: gatt.Appearance, Properties: gatt.Read, Handle: 4, ValueHandle: 5, End: 5},
				}},
				{UUID: gatt.GenericAttribute, Handle: 6, End: 6},
				{UUID: gatt.HeartRate, Handle: 7, End: 0xD, Characteristics: []gatt.RemoteCharacteristic{
					{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Notify, Handle: 8, ValueHandle: 9, End: 0xA,
						Descriptors: []gatt.RemoteDescriptor{{UUID: gatt.ClientCharacteristicConfiguration, Handle: 0xA}}},
					{UUID: gatt.BodySensorLocation, Properties: gatt.Read, Handle: 0xB, ValueHandle: 0xC, End: 0xD,
						Descriptors: []gatt.RemoteDescriptor{{UUID: gatt.CharacteristicUserDescription, Handle: 0xD}}},
				}},
				{UUID: customService, Handle: 0xE, End: 0x13, Includes: []gatt.RemoteInclude{{UUID: gatt.HeartRate, Handle: 0xF, Start: 7, End: 0xD}}, Characteristics: []gatt.RemoteCharacteristic{
					{UUID: customValue, Properties: gatt.Read | gatt.Write, Handle: 0x10, ValueHandle: 0x11, End: 0x11},
					{UUID: gatt.BatteryLevel, Properties: gatt.WriteWithoutResponse, Handle: 0x12, ValueHandle: 0x13, End: 0x13},
				}},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			value, err := client.Read(bg, 0x11)
			if err != nil || string(value) != string(longValue) {
				t.Errorf("long value %x, %v", value, err)
			}
			long := []byte(strings.Repeat("x", 300))
			wantNil(t, client.Write(bg, 0x11, long))
			if value, err = client.Read(bg, 0x11); err != nil || string(value) != string(long) {
				t.Errorf("long value as written: %d octets, %v", len(value), err)
			}
		})
	}
}

// Secondary services are found through who includes them, however deep, and nothing is found twice.
func TestDiscoverSecondaryServices(t *testing.T) {
	level := func() *gatt.Characteristic {
		return &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Notify}
	}
	deep := &gatt.Service{UUID: customService, Secondary: true, Characteristics: []*gatt.Characteristic{level()}}
	inner := &gatt.Service{UUID: gatt.Battery, Secondary: true, Includes: []*gatt.Service{deep}, Characteristics: []*gatt.Characteristic{level()}}
	stranger := &gatt.Service{UUID: gatt.DeviceInformation, Secondary: true, Characteristics: []*gatt.Characteristic{level()}}
	server := newServer(t, gatt.ServerConfig{Bare: true, Services: []*gatt.Service{
		deep, {UUID: gatt.HeartRate, Includes: []*gatt.Service{inner, deep}, Characteristics: []*gatt.Characteristic{level()}}, stranger, inner}})
	a, _ := pair(t, atttest.Options{}, gatt.Config{}, gatt.Config{Server: server})
	got, err := a.Client().Discover(bg)
	wantNil(t, err)
	var lines []string
	for _, s := range got {
		lines = append(lines, fmt.Sprintf("%v %t %04x-%04x includes %d, characteristics %d", s.UUID, s.Secondary, s.Handle, s.End, len(s.Includes), len(s.Characteristics)))
		for _, ch := range s.Characteristics {
			if len(ch.Descriptors) != 1 || ch.End != s.End {
				t.Errorf("%+v of %+v", ch, s)
			}
		}
	}
	want := []string{
		"f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f true 0001-0004 includes 0, characteristics 1",
		"180d false 0005-000a includes 2, characteristics 1",
		"180f true 000f-0013 includes 1, characteristics 1",
	}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("got  %q\nwant %q", lines, want)
	}
}
