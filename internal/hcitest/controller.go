package hcitest

import (
	"context"
	"io"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// A Handler takes one command of the host, in the goroutine that wrote it. It answers by the Controller's
// methods, now or later, or never.
type Handler func(c *Controller, command hci.CommandFrame)

// Controller is a scripted fake. Commands without a handler are answered by StartUp, and what that does
// not know by Unknown HCI Command. Everything the host wrote is kept.
type Controller struct{}

var _ transport.Conn = (*Controller)(nil)

// NewController makes a controller as s describes it.
func NewController(s Settings) *Controller { return &Controller{} }

// Handle sets the handler of a command; nil takes it away. It may be called at any time.
func (c *Controller) Handle(op hci.Opcode, h Handler) {}

// HandleACL sets what takes the host's ACL packets, whose Data is only valid during the call; without it
// they are kept and nothing else.
func (c *Controller) HandleACL(h func(c *Controller, p hci.ACL)) {}

// Silent is a Handler that never answers.
func Silent(*Controller, hci.CommandFrame) {}

// Refuse is a Handler that answers by Command Status.
func Refuse(status hci.Status) Handler { return nil }

// Fail is a Handler that answers by Command Complete with a status alone.
func Fail(status hci.Status) Handler { return nil }

// Complete answers a command by Command Complete: Success and the return parameters behind it.
func (c *Controller) Complete(op hci.Opcode, returns ...byte) {}

// Status answers a command by Command Status.
func (c *Controller) Status(op hci.Opcode, status hci.Status) {}

// Event sends an event to the host.
func (c *Controller) Event(e hci.EventParameters) {}

// ACL sends ACL data to the host.
func (c *Controller) ACL(p hci.ACL) {}

// Inject sends packets to the host, each with its packet type.
func (c *Controller) Inject(packets ...[]byte) {}

// Sent is every packet the host wrote so far, in order.
func (c *Controller) Sent() [][]byte { return nil }

// Commands is every command the host wrote so far, in order.
func (c *Controller) Commands() []hci.CommandFrame { return nil }

// Next waits for the host's next packet that Next has not returned yet.
func (c *Controller) Next(ctx context.Context) ([]byte, error) { return nil, io.EOF }

// Break makes reads and writes fail with err, as those of a controller that was unplugged.
func (c *Controller) Break(err error) {}

// ReadPacket implements transport.Conn.
func (c *Controller) ReadPacket(b []byte) (int, error) { return 0, io.EOF }

// WritePacket implements transport.Conn.
func (c *Controller) WritePacket(p []byte) error { return nil }

// Close implements transport.Conn.
func (c *Controller) Close() error { return nil }
