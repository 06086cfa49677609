package driver_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// printer is a host that prints what it is told, and hangs nothing on its connections.
type printer struct{ link }

func (p *printer) HandleConnection(c *driver.Conn) driver.ConnHandler {
	fmt.Println("connected to", c.PeerAddress(), "as", c.Role())
	return p
}

func (p *printer) HandleAdvertisement(driver.Report) {}

// Two controllers on a radio in memory: one advertises, the other connects and disconnects.
func ExampleOpen() {
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	watch := air.NewController(virtual.ControllerConfig{Address: [6]byte{1, 0, 0, 0, 0, 0}})
	phone := air.NewController(virtual.ControllerConfig{Address: [6]byte{2, 0, 0, 0, 0, 0}})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	peripheral, err := driver.Open(ctx, watch.Conn(), driver.Config{Handler: &host{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer peripheral.Close()
	set, err := peripheral.NewAdvertisingSet(ctx, driver.AdvertisingParameters{Properties: hci.LegacyAdvInd}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := set.Start(ctx, driver.AdvertisingLimits{}); err != nil {
		fmt.Println(err)
		return
	}

	central, err := driver.Open(ctx, phone.Conn(), driver.Config{Handler: &printer{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer central.Close()
	conn, err := central.Connect(ctx, watch.Address(), driver.ConnectParameters{})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn.Disconnect(hci.RemoteUserTerminatedConnection)
	<-conn.Done()
	fmt.Println(conn.Err())
	// Output:
	// connected to 00:00:00:00:00:01 as central
	// 00:00:00:00:00:01 disconnected: Connection Terminated by Local Host (0x16)
}
