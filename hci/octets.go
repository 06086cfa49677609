package hci

import "encoding/binary"

// append16 appends values, least significant octet first.
func append16(b []byte, values ...uint16) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

// append24 appends the lower 24 bits of v.
func append24(b []byte, v uint32) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }

func at16(b []byte, i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }

func at24(b []byte, i int) uint32 { return uint32(b[i]) | uint32(b[i+1])<<8 | uint32(b[i+2])<<16 }

// identityType is the address type octet of an event, which tells what the controller resolved.
func identityType(a Address, resolved bool) byte { return byte(a.Type) | octet(resolved)<<1 }

// appendCounted appends data behind its length; what is longer than most is cut.
func appendCounted(b, data []byte, most int) []byte {
	data = data[:min(len(data), most)]
	return append(append(b, byte(len(data))), data...)
}

// countedAt reads what appendCounted wrote at i, and says where it ends; name is the field's.
func countedAt(packet, name string, b []byte, i int) (data []byte, end int, err error) {
	if err := shorter(packet, b, []field{{name + "_Length", i + 1}}); err != nil {
		return nil, 0, err
	}
	end = i + 1 + int(b[i])
	if err := shorter(packet, b, []field{{name, end}}); err != nil {
		return nil, 0, err
	}
	return b[i+1 : end : end], end, nil
}

// parseOctet reads the only parameter of packet.
func parseOctet(packet, name string, b []byte) (uint8, error) {
	if err := shorter(packet, b, []field{{name, 1}}); err != nil {
		return 0, err
	}
	return b[0], nil
}
