package transport_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/transport"
)

// A reader that brings a serial line back when it is lost, and gives up what can't be brought back.
func ExampleResyncer() {
	read := func(ctx context.Context, conn transport.Conn, handle func(packet []byte)) error {
		b := make([]byte, transport.MaxPacket)
		for {
			n, err := conn.ReadPacket(b)
			line, ok := transport.As[transport.Resyncer](conn)
			switch {
			case err == nil:
				handle(b[:n])
			case ok && errors.Is(err, transport.ErrOutOfStep):
				if err := line.Resync(ctx); err != nil {
					return err
				}
				// The controller was reset: set it up anew.
			default:
				return err
			}
		}
	}
	conn, err := transport.Open(context.Background(), transport.Spec{Kind: transport.UART, Path: "/dev/no-such-line"}, transport.Options{})
	if err != nil {
		fmt.Println("not opened")
		return
	}
	defer conn.Close()
	read(context.Background(), conn, func([]byte) {})
	// Output: not opened
}

// What a chip needs that is brought to another rate by a command of its vendor's: the command is answered at the old
// rate, and then both ends change.
func ExampleSerial() {
	change := func(ctx context.Context, conn transport.Conn, baud int, command func(ctx context.Context) error) error {
		line, ok := transport.As[transport.Serial](conn)
		if !ok {
			return nil // not a serial line: nothing to change
		}
		if err := command(ctx); err != nil {
			return err
		}
		if err := line.SetBaud(ctx, baud); err != nil {
			return err
		}
		return line.Discard(ctx, 10*time.Millisecond)
	}
	fmt.Println(change(context.Background(), nil, 921_600, nil))
	// Output: <nil>
}
