package gap_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A heart rate sensor and a box that reads it, on a virtual radio. On hardware the box's controller comes from
// transport.Open, and the bonds from smp/bondstore.
func Example() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()

	// The sensor.
	rate := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read, Value: []byte{0, 61},
		Permissions: gatt.Permissions{Read: gatt.Encrypted}}
	server, err := gatt.NewServer(gatt.ServerConfig{Name: "Sensor", Services: []*gatt.Service{
		{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{rate}}}})
	if err != nil {
		panic(err)
	}
	sensor, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{Server: server})
	if err != nil {
		panic(err)
	}
	defer sensor.Close()
	go sensor.Advertise(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "Sensor", Services: []att.UUID{gatt.HeartRate}}})

	// The box.
	box, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{
		Security: smp.Config{Store: smp.NewMemoryStore()}})
	if err != nil {
		panic(err)
	}
	defer box.Close()
	var peer hci.Address
	for a, err := range box.Scan(ctx, gap.ScanConfig{}) {
		if err != nil {
			panic(err)
		}
		if a.Data.Name() == "Sensor" {
			peer = a.Address
			break
		}
	}
	conn, err := box.Connect(ctx, peer, gap.ConnectConfig{})
	if err != nil {
		panic(err)
	}
	found, err := conn.Client().FindCharacteristics(ctx, gatt.HeartRateMeasurement)
	if err != nil {
		panic(err)
	}
	value, err := conn.Client().Read(ctx, found[0].ValueHandle) // refused in the clear, so the link is secured
	if err != nil {
		panic(err)
	}
	fmt.Println(value[1], "beats a minute at level", conn.Security().Level())
	conn.Disconnect(hci.RemoteUserTerminatedConnection)
	// Output: 61 beats a minute at level encrypted
}

// must is a value without an error, for what an example is not about.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// open opens a host on a new controller of an air.
func open(ctx context.Context, air *virtual.Air, cfg gap.Config) *gap.Host {
	return must(gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), cfg))
}

// newSensor is a peripheral with a heart rate that is read over encrypted links alone.
func newSensor(ctx context.Context, air *virtual.Air) (*gap.Host, *gatt.Server, *gatt.Characteristic) {
	value := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Notify, Value: []byte{0, 21},
		Permissions: gatt.Permissions{Read: gatt.Encrypted}}
	server := must(gatt.NewServer(gatt.ServerConfig{Name: "Sensor", Services: []*gatt.Service{
		{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{value}}}}))
	return open(ctx, air, gap.Config{Server: server}), server, value
}

var sensorPayload = gap.Payload{Name: "Sensor", Services: []att.UUID{gatt.HeartRate}}

// A host on a controller: here of a radio in memory, on hardware of transport.Open. It is told what happens, in order, and has
// to be closed, which leaves the controller as it was found.
func ExampleOpen() {
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	controller := air.NewController(virtual.ControllerConfig{Address: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}})
	host, err := gap.Open(context.Background(), controller.Conn(), gap.Config{
		Security: smp.Config{Store: smp.NewMemoryStore()}, // on disk: smp/bondstore
		Events:   func(e gap.Event) { fmt.Println(e.Peer, e.Detail) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("we are", host.Identity())
	fmt.Println("closed:", host.Close())
	// Output:
	// we are 00:1C:05:FF:F0:30
	// closed: <nil>
}

// Whoever is near and measures heart rates, once, with its name, which is in the scan response.
func ExampleHost_Scan() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // for how long
	defer cancel()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	peripheral, _, _ := newSensor(ctx, air)
	defer peripheral.Close()
	go peripheral.Advertise(ctx, gap.AdvertiseConfig{Payload: sensorPayload})

	host := open(ctx, air, gap.Config{})
	defer host.Close()
	for a, err := range host.Scan(ctx, gap.ScanConfig{
		Filter: gap.ScanFilter{Services: []att.UUID{gatt.HeartRate}, MinRSSI: -80},
		Merge:  true,
	}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(a.Data.Name(), a.RSSI, "dBm, can be connected to:", a.Connectable)
		break // which ends the scan
	}
	// Output: Sensor -50 dBm, can be connected to: true
}

// Connect returns with a link that is as secure as the bond with the peer, or as was asked for; an error says why not.
func ExampleHost_Connect() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	peripheral, _, _ := newSensor(ctx, air)
	defer peripheral.Close()
	go peripheral.Advertise(ctx, gap.AdvertiseConfig{})

	host := open(ctx, air, gap.Config{})
	defer host.Close()
	conn, err := host.Connect(ctx, peripheral.Identity(), gap.ConnectConfig{Security: smp.LevelEncrypted})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("level:", conn.Security().Level())
	conn.Disconnect(hci.RemoteUserTerminatedConnection)
	<-conn.Done()
	fmt.Println("closed:", errors.Is(conn.Err(), net.ErrClosed), "by us:", errors.Is(conn.Err(), hci.ConnectionTerminatedByLocalHost))

	ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err = host.Connect(ctx, hci.Address{Octets: [6]byte{1}}, gap.ConnectConfig{})
	fmt.Println("nobody there:", errors.Is(err, context.DeadlineExceeded))
	// Output:
	// level: encrypted
	// closed: true by us: true
	// nobody there: true
}

// A program asks for a level of security, and how to get there is policy. What the peer lets nobody do in the clear
// raises the level by itself.
func ExampleConn_Secure() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	peripheral, _, _ := newSensor(ctx, air)
	defer peripheral.Close()
	go peripheral.Advertise(ctx, gap.AdvertiseConfig{})
	host := open(ctx, air, gap.Config{})
	defer host.Close()

	conn := must(host.Connect(ctx, peripheral.Identity(), gap.ConnectConfig{}))
	fmt.Println("level:", conn.Security().Level())
	fmt.Println("secured:", conn.Secure(ctx, smp.LevelEncrypted))
	fmt.Println("level:", conn.Security().Level())
	err := conn.Secure(ctx, smp.LevelAuthenticated) // neither side has a display, or anything to press
	var refused *smp.LevelError
	fmt.Println("authenticated:", err == nil, errors.As(err, &refused))
	// Output:
	// level: none
	// secured: <nil>
	// level: encrypted
	// authenticated: false true
}

// A peripheral that is found by its service, and serves one central after the other.
func ExampleHost_Accept() {
	ctx, cancel := context.WithCancel(context.Background())
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	peripheral, server, value := newSensor(ctx, air)
	defer peripheral.Close()
	served := make(chan string)
	go func() {
		defer close(served)
		cfg := gap.AdvertiseConfig{Payload: sensorPayload, Interval: 200 * time.Millisecond, Restart: gap.RestartWhenFree}
		for conn, err := range peripheral.Accept(ctx, cfg) {
			if err != nil {
				served <- err.Error()
				return
			}
			if err := server.SetValue(value, []byte{0, 22}); err != nil {
				served <- err.Error()
			}
			served <- "serves a central"
			<-conn.Ended()
		}
	}()

	host := open(ctx, air, gap.Config{})
	defer host.Close()
	for range 2 {
		conn := must(host.Connect(ctx, peripheral.Identity(), gap.ConnectConfig{}))
		fmt.Println(<-served)
		conn.Disconnect(hci.RemoteUserTerminatedConnection)
	}
	cancel() // ends the advertising
	<-served
	// Output:
	// serves a central
	// serves a central
}

// A beacon: nobody can connect, and what it says changes.
func ExampleHost_NewAdvertising() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{})
	defer air.Close()
	beacon := open(ctx, air, gap.Config{})
	defer beacon.Close()
	reading := func(rate byte) gap.Payload {
		return gap.Payload{Discoverable: gap.NoFlags, ServiceData: []gap.ServiceData{{Service: gatt.HeartRate, Data: []byte{rate}}}}
	}
	advertising := must(beacon.NewAdvertising(ctx, gap.AdvertiseConfig{Payload: reading(21), NonConnectable: true, Interval: 20 * time.Millisecond}))
	defer advertising.Close()

	host := open(ctx, air, gap.Config{})
	defer host.Close()
	for a, err := range host.Scan(ctx, gap.ScanConfig{Passive: true, Duplicates: gap.ReportChanges}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		data, _ := a.Data.ServiceData(gatt.HeartRate)
		fmt.Println(data[0], "beats a minute")
		if data[0] == 23 {
			break
		}
		if err := advertising.Update(ctx, reading(data[0]+1)); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// 21 beats a minute
	// 22 beats a minute
	// 23 beats a minute
}

// What is bonded with, and forgetting it.
func ExampleHost_Bonds() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	peripheral, _, _ := newSensor(ctx, air)
	defer peripheral.Close()
	go peripheral.Advertise(ctx, gap.AdvertiseConfig{})
	paired := make(chan struct{})
	host := open(ctx, air, gap.Config{Events: func(e gap.Event) {
		if _, ok := e.Detail.(gap.Paired); ok {
			close(paired)
		}
	}})
	defer host.Close()
	conn := must(host.Connect(ctx, peripheral.Identity(), gap.ConnectConfig{Security: smp.LevelEncrypted}))
	<-paired
	for _, bond := range host.Bonds().List(host.Identity()) {
		fmt.Println("bonded:", bond.Peer == conn.Peer(), "at level", bond.Keys.Security().Level())
		fmt.Println("forgotten:", host.Forget(bond.Peer))
	}
	fmt.Println(len(host.Bonds().List(host.Identity())), "bonds")
	// Output:
	// bonded: true at level encrypted
	// forgotten: <nil>
	// 0 bonds
}

// Everything that happens to peers, in order, from a goroutine of its own.
func ExampleEvent() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	peripheral, _, _ := newSensor(ctx, air)
	defer peripheral.Close()
	go peripheral.Advertise(ctx, gap.AdvertiseConfig{})

	ended := make(chan struct{})
	host := open(ctx, air, gap.Config{Events: func(e gap.Event) {
		switch d := e.Detail.(type) {
		case gap.Connected:
			fmt.Println("connected as", d.Role)
		case gap.Paired:
			fmt.Println("paired, bonded:", d.Bonded)
		case gap.Disconnected:
			fmt.Println("disconnected by us:", errors.Is(d.Err, hci.ConnectionTerminatedByLocalHost))
			close(ended)
		case gap.BondLost:
			fmt.Println("the peer has lost its bond")
		}
	}})
	defer host.Close()
	conn := must(host.Connect(ctx, peripheral.Identity(), gap.ConnectConfig{Security: smp.LevelEncrypted}))
	conn.Disconnect(hci.RemoteUserTerminatedConnection)
	<-ended
	// Output:
	// connected as central
	// paired, bonded: true
	// disconnected by us: true
}

// A connection that comes back by itself, whatever ends it.
func ExampleHost_Keep() {
	ctx, cancel := context.WithCancel(context.Background())
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	peripheral, _, _ := newSensor(ctx, air)
	defer peripheral.Close()
	go func() {
		for range peripheral.Accept(ctx, gap.AdvertiseConfig{}) {
		}
	}()
	host := open(ctx, air, gap.Config{})
	defer host.Close()
	times := 0
	err := host.Keep(ctx, peripheral.Identity(), gap.KeepConfig{Backoff: gap.Backoff{First: time.Millisecond}}, func(ctx context.Context, conn *gap.Conn) error {
		found := must(conn.Client().FindCharacteristics(ctx, gatt.HeartRateMeasurement))
		value := must(conn.Client().Read(ctx, found[0].ValueHandle))
		fmt.Println(value[1], "beats a minute")
		if times++; times == 2 {
			return nil // enough
		}
		conn.Link().Disconnect(hci.RemoteUserTerminatedConnection) // as if the link had been lost
		<-conn.Done()
		return conn.Err()
	})
	cancel()
	fmt.Println("ended:", err)
	// Output:
	// 21 beats a minute
	// 21 beats a minute
	// ended: <nil>
}

// A peripheral that serves a value made anew for each reader and takes one that is written, by who is encrypted.
func ExampleHost_Advertise() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	written := make(chan string, 1)
	service, greeting, name := att.MustUUID("9c5b0000-6a7f-4a3e-9a0e-0a1b2c3d4e5f"), att.MustUUID("9c5b0001-6a7f-4a3e-9a0e-0a1b2c3d4e5f"), att.MustUUID("9c5b0002-6a7f-4a3e-9a0e-0a1b2c3d4e5f")
	server := must(gatt.NewServer(gatt.ServerConfig{Name: "Doorman", Services: []*gatt.Service{{UUID: service, Characteristics: []*gatt.Characteristic{
		{UUID: greeting, Properties: gatt.Read, Read: func(context.Context, *gatt.ServerConn) ([]byte, error) { return []byte("good day"), nil }},
		{UUID: name, Properties: gatt.Write, Permissions: gatt.Permissions{Write: gatt.Encrypted}, Write: func(_ context.Context, _ *gatt.ServerConn, value []byte) error {
			written <- string(value)
			return nil
		}},
	}}}}))
	doorman := open(ctx, air, gap.Config{Server: server})
	defer doorman.Close()
	served := make(chan *gap.Conn)
	go func() {
		served <- must(doorman.Advertise(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "Doorman", Services: []att.UUID{service}}}))
	}()

	guest := open(ctx, air, gap.Config{})
	defer guest.Close()
	conn := must(guest.Connect(ctx, doorman.Identity(), gap.ConnectConfig{}))
	client := conn.Client()
	fmt.Printf("%s\n", must(client.Read(ctx, must(client.FindCharacteristics(ctx, greeting))[0].ValueHandle)))
	if err := client.Write(ctx, must(client.FindCharacteristics(ctx, name))[0].ValueHandle, []byte("Harald")); err != nil {
		fmt.Println(err)
	}
	fmt.Println((<-served).Role(), "was told", <-written)
	// Output:
	// good day
	// peripheral was told Harald
}

// Data that everybody finds at a known time, and nobody has to connect for.
func ExampleHost_Sync() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{})
	defer air.Close()
	clock := open(ctx, air, gap.Config{})
	defer clock.Close()
	hour := func(h byte) []byte {
		b, _ := gap.AppendAD(nil, gap.ADManufacturer, []byte{0xFF, 0xFF, h})
		return b
	}
	advertising := must(clock.NewAdvertising(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "Clock"}, Extended: true, NonConnectable: true, SID: 1,
		Interval: 20 * time.Millisecond, Periodic: &gap.PeriodicConfig{Interval: 7500 * time.Microsecond, Data: hour(7)}}))
	defer advertising.Close()

	host := open(ctx, air, gap.Config{})
	defer host.Close()
	var found gap.Advertisement
	for a, err := range host.Scan(ctx, gap.ScanConfig{Passive: true, Filter: gap.ScanFilter{Name: "Clock"}}) {
		if err != nil {
			fmt.Println(err)
		}
		found = a
		break
	}
	fmt.Println("every", found.PeriodicInterval)
	for r, err := range host.Sync(ctx, gap.SyncConfig{Advertiser: found.Identity, SID: found.SID}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		if _, data, ok := r.Data.Manufacturer(); ok {
			fmt.Println(data[0], "o'clock")
		}
		break
	}
	// Output:
	// every 7.5ms
	// 7 o'clock
}

// Closing a host ends what it does for everybody, with an error that says why.
func ExampleHost_Close() {
	ctx := context.Background()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	peripheral, _, _ := newSensor(ctx, air)
	defer peripheral.Close()
	go peripheral.Advertise(ctx, gap.AdvertiseConfig{})
	host := open(ctx, air, gap.Config{})
	conn := must(host.Connect(ctx, peripheral.Identity(), gap.ConnectConfig{}))
	fmt.Println("closed:", host.Close())
	_, err := host.Connect(ctx, peripheral.Identity(), gap.ConnectConfig{})
	fmt.Println(conn.Err() != nil, errors.Is(err, net.ErrClosed), errors.Is(host.Err(), net.ErrClosed))
	// Output:
	// closed: <nil>
	// true true true
}
