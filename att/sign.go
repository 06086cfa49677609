package att

import (
	"context"
	"errors"
)

// ErrEnhanced is the error of a signed write on an enhanced bearer, which has none (Vol 3, Part F, 3.4.5.4).
var ErrEnhanced = errors.New("att: no signed writes on an enhanced bearer")

// SignedWriteCommand is [Conn.WriteCommand] with a signature that sign makes of what comes before it: opcode, handle and value
// (Vol 3, Part F, 3.3.1). sign must not keep message.
func (c *Conn) SignedWriteCommand(ctx context.Context, handle uint16, value []byte, sign func(message []byte) ([SignatureLen]byte, error)) error {
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
