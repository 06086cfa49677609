package atttest

import (
	"net"
	"testing"

	"github.com/jelling-ble/jelling/att"
)

// Conns gives the two ends of a bearer, each a Conn with its own configuration. They end with the test, and it waits for them.
func Conns(t testing.TB, opts Options, a, b att.Config) (*att.Conn, *att.Conn) {
	t.Helper()
	endA, endB := NewBearers(opts)
	connA, connB := NewConn(t, endA, a), NewConn(t, endB, b)
	return connA, connB
}

// NewConn makes a Conn on b. Both end with the test, and it waits for them.
func NewConn(t testing.TB, b *Bearer, cfg att.Config) *att.Conn {
	t.Helper()
	c := att.NewConn(b, cfg)
	b.Attach(c)
	t.Cleanup(func() {
		b.Disconnect(net.ErrClosed)
		b.Wait()
		c.Wait()
	})
	return c
}
