package att

import (
	"context"
	"errors"

	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// ErrEnhanced is the error of a signed write on an enhanced bearer, which has none (Vol 3, Part F, 3.4.5.4).
var ErrEnhanced = errors.New("att: no signed writes on an enhanced bearer")

// signCounterLen is how much of a signature is the counter, in octets.
const signCounterLen = 4

// Sign is the signature of the octets of a signed write command before it: opcode, handle and value. key is the connection signature
// resolving key of whoever signs, least significant octet first; counter grows with each signature (Vol 3, Part F, 3.3.1; Part H, 2.4.5).
func Sign(key [16]byte, counter uint32, pdu []byte) [SignatureLen]byte {
	m := le.AppendUint32(append(make([]byte, 0, len(pdu)+signCounterLen), pdu...), counter)
	mac := btcrypto.CMAC(key, m)
	var s [SignatureLen]byte
	copy(s[:], m[len(pdu):])
	copy(s[signCounterLen:], mac[len(mac)-(SignatureLen-signCounterLen):]) // the most significant half
	return s
}

// Verify tells whether a whole signed write command was signed with key, and the counter of its signature. A counter that is not
// larger than the last one shows a PDU that has been sent again (Vol 3, Part H, 2.4.5).
func Verify(key [16]byte, pdu []byte) (counter uint32, ok bool) {
	if len(pdu) < handleLen+SignatureLen {
		return 0, false
	}
	end := len(pdu) - SignatureLen
	counter = le.Uint32(pdu[end:])
	return counter, Sign(key, counter, pdu[:end]) == [SignatureLen]byte(pdu[end:])
}

// SignedWriteCommand is [Conn.WriteCommand] with a signature that sign makes of opcode, handle and value.
func (c *Conn) SignedWriteCommand(ctx context.Context, handle uint16, value []byte, sign func(pdu []byte) ([SignatureLen]byte, error)) error {
	const op = OpSignedWriteCommand
	if c.bearer.Enhanced() {
		return failed(op, handle, ErrEnhanced)
	}
	if handleLen+len(value)+SignatureLen > c.MTU() { // no counter is wasted on it
		return failed(op, handle, ErrTooLong)
	}
	signature, err := sign(append(appendHandles(nil, op, handle), value...))
	if err != nil {
		return failed(op, handle, err)
	}
	return send(ctx, c, SignedWriteCommand{Handle: handle, Value: value, Signature: signature}, handle)
}
