package hcitest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// maxSent bounds what a Controller keeps of what the host wrote.
const maxSent = 1 << 20

// A Handler takes one command of the host, in the goroutine that wrote it. It answers by the Controller's
// methods, now or later, or never. It may keep the command.
type Handler func(c *Controller, command hci.CommandFrame)

// Controller is a scripted fake. Commands without a handler are answered by StartUp, and what that does
// not know by Unknown HCI Command. Everything the host wrote is kept. Its methods may be called from
// anywhere, handlers included.
//
// State: guarded by the pipe's mutex, which is not held while a handler runs.
type Controller struct {
	pipe
	credits  uint8
	startup  Responder
	handlers map[hci.Opcode]Handler
	acl      func(*Controller, hci.ACL)
	sent     [][]byte
	taken    int           // of sent, by Next
	wrote    chan struct{} // holds one token after every packet
}

var _ transport.Conn = (*Controller)(nil)

// NewController makes a controller as s describes it. Make it inside the synctest bubble, if any.
func NewController(s Settings) *Controller {
	return &Controller{
		pipe:     newPipe(),
		credits:  s.withDefaults().Credits,
		startup:  StartUp(s),
		handlers: map[hci.Opcode]Handler{},
		wrote:    make(chan struct{}, 1),
	}
}

// Handle sets the handler of a command; nil takes it away. It may be called at any time.
func (c *Controller) Handle(op hci.Opcode, h Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h == nil {
		delete(c.handlers, op)
		return
	}
	c.handlers[op] = h
}

// HandleACL sets what takes the host's ACL packets, in the goroutine that wrote them; without it they are
// kept and nothing else. It may keep the packet.
func (c *Controller) HandleACL(h func(c *Controller, p hci.ACL)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acl = h
}

// Silent is a Handler that never answers.
func Silent(*Controller, hci.CommandFrame) {}

// Refuse is a Handler that answers by Command Status. With Success it is how a controller begins what takes
// time; whatever the status, nothing follows.
func Refuse(status hci.Status) Handler {
	return func(c *Controller, command hci.CommandFrame) { c.Status(command.Opcode, status) }
}

// Fail is a Handler that answers by Command Complete with a status alone.
func Fail(status hci.Status) Handler {
	return func(c *Controller, command hci.CommandFrame) {
		c.Event(hci.CommandComplete{NumPackets: c.credits, Opcode: command.Opcode, Return: []byte{byte(status)}})
	}
}

// Return is a Handler that answers by Command Complete: Success and these return parameters behind it.
func Return(parameters ...byte) Handler {
	return func(c *Controller, command hci.CommandFrame) { c.Complete(command.Opcode, parameters...) }
}

// Complete answers a command by Command Complete: Success and the return parameters behind it.
func (c *Controller) Complete(op hci.Opcode, parameters ...byte) {
	c.Event(hci.CommandComplete{NumPackets: c.credits, Opcode: op, Return: append([]byte{byte(hci.Success)}, parameters...)})
}

// Status answers a command by Command Status.
func (c *Controller) Status(op hci.Opcode, status hci.Status) {
	c.Event(hci.CommandStatus{Status: status, NumPackets: c.credits, Opcode: op})
}

// Event sends an event to the host.
func (c *Controller) Event(e hci.EventParameters) { c.Inject(hci.AppendEvent(nil, e)) }

// ACL sends ACL data to the host.
func (c *Controller) ACL(p hci.ACL) { c.Inject(hci.AppendACL(nil, p)) }

// Inject sends packets to the host, each with its packet type. They need not be well formed.
func (c *Controller) Inject(packets ...[]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.push(packets...)
}

// Sent is every packet the host wrote so far, in order. Its octets are not to be changed.
func (c *Controller) Sent() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}

// Commands is every command the host wrote so far, in order.
func (c *Controller) Commands() []hci.CommandFrame {
	var commands []hci.CommandFrame
	for _, p := range c.Sent() {
		if p[0] == hci.CommandPacket {
			command, _ := hci.ParseCommand(p[1:]) // WritePacket took it
			commands = append(commands, command)
		}
	}
	return commands
}

// Next waits for the host's next packet that Next has not returned yet. One goroutine calls it at a time.
func (c *Controller) Next(ctx context.Context) ([]byte, error) {
	for {
		c.mu.Lock()
		if c.taken < len(c.sent) {
			c.taken++
			p := c.sent[c.taken-1]
			c.mu.Unlock()
			return p, nil
		}
		err := c.err
		c.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-c.wrote:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Break makes writes fail with err, and reads too once what was sent has been read: a controller that was
// unplugged.
func (c *Controller) Break(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(err)
	c.noteWrite()
}

// ReadPacket implements transport.Conn.
func (c *Controller) ReadPacket(b []byte) (int, error) { return c.read(b, nil) }

// WritePacket implements transport.Conn. It refuses what is not one whole command or ACL packet.
func (c *Controller) WritePacket(p []byte) error {
	if err := checkFrame(true, p); err != nil {
		return fmt.Errorf("hcitest: controller: %x: %w", p, err)
	}
	p = bytes.Clone(p)
	if p[0] == hci.ACLPacket {
		return c.writeACL(p)
	}
	return c.writeCommand(p)
}

// keep notes what the host wrote. The caller holds the mutex.
func (c *Controller) keep(p []byte) error {
	if c.err != nil {
		return c.err
	}
	if len(c.sent) == maxSent {
		return fmt.Errorf("hcitest: controller: the host wrote more than %d packets", maxSent)
	}
	c.sent = append(c.sent, p)
	c.noteWrite()
	return nil
}

// noteWrite wakes Next. The caller holds the mutex.
func (c *Controller) noteWrite() {
	select {
	case c.wrote <- struct{}{}:
	default:
	}
}

func (c *Controller) writeACL(p []byte) error {
	c.mu.Lock()
	err, h := c.keep(p), c.acl
	c.mu.Unlock()
	if err != nil || h == nil {
		return err
	}
	data, err := hci.ParseACL(p[1:])
	if err == nil {
		h(c, data)
	}
	return err
}

func (c *Controller) writeCommand(p []byte) error {
	command, err := hci.ParseCommand(p[1:])
	if err != nil {
		return err
	}
	c.mu.Lock()
	err, h := c.keep(p), c.handlers[command.Opcode]
	c.mu.Unlock()
	switch {
	case err != nil:
		return err
	case h != nil:
		h(c, command)
		return nil
	}
	answers, known := c.startup(command)
	if !known {
		answers = [][]byte{unknownCommand(command.Opcode, c.credits)}
	}
	c.Inject(answers...)
	return nil
}

// Close implements transport.Conn.
func (c *Controller) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close()
	c.noteWrite()
	return nil
}
