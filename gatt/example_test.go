package gatt_test

import (
	"context"
	"fmt"
	"net"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// link gives both ends of a link in memory, and a function that ends it.
func link(central, peripheral gatt.Config) (*gatt.Conn, *gatt.Conn, func()) {
	a, b := atttest.NewBearers(atttest.Options{})
	c, p := gatt.NewConn(a, central), gatt.NewConn(b, peripheral)
	a.Attach(c)
	b.Attach(p)
	return c, p, func() {
		a.Disconnect(net.ErrClosed)
		c.Wait()
		p.Wait()
	}
}

// A peripheral that measures a heart rate and tells every subscriber; a central that listens.
func Example() {
	ctx := context.Background()
	rate := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify}
	server, err := gatt.NewServer(gatt.ServerConfig{
		Name:     "Jelling",
		Services: []*gatt.Service{{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{rate}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	central, _, end := link(gatt.Config{}, gatt.Config{Server: server})
	defer end()

	client := central.Client()
	found, err := client.FindCharacteristics(ctx, gatt.HeartRateMeasurement)
	if err != nil || len(found) == 0 {
		fmt.Println("no heart rate:", err)
		return
	}
	beats := make(chan byte)
	subscription, err := client.Subscribe(ctx, found[0], func(value []byte) { beats <- value[1] })
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, bpm := range []byte{72, 73, 75} {
		if err := server.Notify(ctx, rate, []byte{0, bpm}); err != nil {
			fmt.Println(err)
		}
		fmt.Println(<-beats, "beats per minute")
	}
	if err := subscription.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 72 beats per minute
	// 73 beats per minute
	// 75 beats per minute
}

// What a peer has to offer.
func ExampleClient_Discover() {
	server, err := gatt.NewServer(gatt.ServerConfig{
		Name: "Jelling",
		Services: []*gatt.Service{{UUID: gatt.Battery, Characteristics: []*gatt.Characteristic{
			{UUID: gatt.BatteryLevel, Properties: gatt.Read | gatt.Notify, Value: []byte{97}},
		}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	central, _, end := link(gatt.Config{}, gatt.Config{Server: server})
	defer end()

	services, err := central.Client().Discover(context.Background())
	if err != nil {
		fmt.Println(err)
	}
	for _, s := range services {
		fmt.Printf("%v %s\n", s.UUID, gatt.Name(s.UUID))
		for _, ch := range s.Characteristics {
			fmt.Printf("  %v %s: %v\n", ch.UUID, gatt.Name(ch.UUID), ch.Properties)
		}
	}
	// Output:
	// 1800 Generic Access
	//   2a00 Device Name: read
	//   2a01 Appearance: read
	// 1801 Generic Attribute
	//   2a05 Service Changed: indicate
	//   2b29 Client Supported Features: read write
	//   2b2a Database Hash: read
	//   2b3a Server Supported Features: read
	// 180f Battery
	//   2a19 Battery Level: read notify
}

// A value that needs encryption. The client is refused, the host raises the link's security, and the client asks again.
func ExampleConfig_secure() {
	secret := &gatt.Characteristic{
		UUID:        gatt.PLXSpotCheckMeasurement,
		Properties:  gatt.Read,
		Permissions: gatt.Permissions{Read: gatt.Encrypted},
		Value:       []byte("98 %"),
	}
	server, err := gatt.NewServer(gatt.ServerConfig{
		Bare:     true,
		Services: []*gatt.Service{{UUID: gatt.PulseOximeter, Characteristics: []*gatt.Characteristic{secret}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var bearer *atttest.Bearer
	central, _, end := link(gatt.Config{
		Secure: func(_ context.Context, code att.ErrorCode, _ att.Security) error {
			fmt.Println("the server says:", code)
			bearer.SetSecurity(att.Security{Encrypted: true, KeySize: 16})
			return nil
		},
	}, gatt.Config{Server: server})
	defer end()
	bearer = central.ATT().Bearer().(*atttest.Bearer)

	value, err := central.Client().Read(context.Background(), server.Handle(secret))
	fmt.Println(string(value), err)
	// Output:
	// the server says: insufficient authentication (0x05)
	// 98 % <nil>
}

// Functions instead of values: a write that may be refused, a read that is made when it is asked for.
func ExampleCharacteristic() {
	count := 0
	button := &gatt.Characteristic{
		UUID:       att.MustUUID("0b5e0001-6a6c-4c6c-8e67-6a656c6c696e"),
		Properties: gatt.Read | gatt.Write,
		Read: func(context.Context, *gatt.ServerConn) ([]byte, error) {
			return fmt.Appendf(nil, "pressed %d times", count), nil
		},
		Write: func(_ context.Context, _ *gatt.ServerConn, value []byte) error {
			if string(value) != "press" {
				return att.ErrValueNotAllowed
			}
			count++
			return nil
		},
	}
	server, err := gatt.NewServer(gatt.ServerConfig{
		Services: []*gatt.Service{{UUID: att.MustUUID("0b5e0000-6a6c-4c6c-8e67-6a656c6c696e"), Characteristics: []*gatt.Characteristic{button}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	central, _, end := link(gatt.Config{}, gatt.Config{Server: server})
	defer end()
	ctx, client, handle := context.Background(), central.Client(), server.Handle(button)
	fmt.Println(client.Write(ctx, handle, []byte("press")))
	fmt.Println(client.Write(ctx, handle, []byte("kick")))
	value, _ := client.Read(ctx, handle)
	fmt.Println(string(value))
	// Output:
	// <nil>
	// ATT_WRITE_REQ, handle 0x0012: value not allowed (0x13)
	// pressed 1 times
}
