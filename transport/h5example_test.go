package transport_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/jelling-ble/jelling/transport"
)

// A link between a host and a controller of ours, here over a pipe. In earnest the host writes
// transport.Open with the specification "h5:/dev/ttyAMA0?baud=921600".
func ExampleNewH5() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	near, far := net.Pipe()
	go func() {
		controller, err := transport.NewH5Controller(ctx, far, transport.H5Config{Window: 2})
		if err != nil {
			log.Fatal(err)
		}
		b := make([]byte, transport.MaxPacket)
		n, _ := controller.ReadPacket(b)
		fmt.Printf("controller: % X\n", b[:n])
		controller.WritePacket([]byte{transport.Event, 0x0E, 4, 1, 0x03, 0x0C, 0x00})
	}()

	host, err := transport.NewH5(ctx, near, transport.H5Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	fmt.Printf("agreed on %+v\n", host.Link())
	host.WritePacket([]byte{transport.Command, 0x03, 0x0C, 0x00}) // HCI_Reset
	b := make([]byte, transport.MaxPacket)
	n, _ := host.ReadPacket(b)
	fmt.Printf("host: % X\n", b[:n])
	// Output:
	// agreed on {Window:2 CRC:true SoftwareFlow:false}
	// controller: 01 03 0C 00
	// host: 04 0E 04 01 03 0C 00
}
