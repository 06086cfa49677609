package transport

import (
	"bytes"
	"testing"
)

func TestUARTCarriesPackets(t *testing.T) {
	p := newPTY(t)
	c := p.open()
	b := make([]byte, MaxPacket)
	for size := range 200 {
		if err := c.WritePacket(packet(Command, size)); err != nil {
			t.Fatal(err)
		}
		p.receive(packet(Command, size)...)
		p.send(packet(Event, size)...)
		n, err := c.ReadPacket(b)
		if err != nil || !bytes.Equal(b[:n], packet(Event, size)) {
			t.Fatalf("size %d: % X, %v", size, b[:n], err)
		}
	}
}
