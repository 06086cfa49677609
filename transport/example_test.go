package transport_test

import (
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/jelling-ble/jelling/transport"
)

func ExampleParseSpec() {
	for _, text := range []string{"hci0", "unix:/run/controller", "usb:1"} {
		spec, err := transport.ParseSpec(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(spec.Kind, spec)
	}
	// Output:
	// user user:0
	// unix unix:/run/controller
	// transport "usb:1": no such kind; write user:0 (or hci0), unix:/path, tcp:host:port, uart:/dev/ttyAMA0?baud=921600, h5:/dev/ttyAMA0 or virtual:
}

// A capture of what passes between a host and a controller, here the two ends of a pipe.
func ExampleTap() {
	dir, err := os.MkdirTemp("", "capture")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "hci.btsnoop")

	capture, err := transport.CreateCapture(path, transport.CaptureConfig{})
	if err != nil {
		log.Fatal(err)
	}
	near, far := net.Pipe() // in earnest: conn, err := transport.Open(ctx, spec, transport.Options{})
	conn := transport.Tap(transport.NewH4(near), capture, transport.Adapter{Index: 0})
	go answerReset(far)

	conn.WritePacket([]byte{transport.Command, 0x03, 0x0C, 0x00}) // HCI_Reset
	conn.ReadPacket(make([]byte, transport.MaxPacket))
	conn.Close()
	capture.Close()

	printCapture(path)
	// Output:
	// hci0: new index, 16 octets
	// hci0: open index, 0 octets
	// hci0: index info, 8 octets
	// hci0: command, 3 octets
	// hci0: event, 6 octets
	// hci0: close index, 0 octets
	// hci0: delete index, 0 octets
}

func answerReset(far net.Conn) {
	controller := transport.NewH4Controller(far)
	controller.ReadPacket(make([]byte, transport.MaxPacket))
	controller.WritePacket([]byte{transport.Event, 0x0E, 4, 1, 0x03, 0x0C, 0x00})
}

func printCapture(path string) {
	f, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	reader, err := transport.NewCaptureReader(f)
	if err != nil {
		log.Fatal(err)
	}
	for {
		record, err := reader.Next()
		if err != nil {
			return
		}
		fmt.Printf("hci%d: %v, %d octets\n", record.Index, record.Opcode, len(record.Data))
	}
}
