package driver

import (
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// maxPackets is how many packets wait between the reader and the loop; then the reader waits, and what
// comes waits in the kernel.
const maxPackets = 128

type packet struct {
	b [transport.MaxPacket]byte
	n int
}

// read is the reader goroutine: nothing but reading and handing over.
func (c *Controller) read() {
	defer c.wg.Done()
	for {
		p := c.buffer()
		n, err := c.conn.ReadPacket(p.b[:])
		if err != nil {
			c.fail(err)
			return
		}
		p.n = n
		select {
		case c.in <- p:
		case <-c.ended:
			return
		}
	}
}

// buffer is a packet that the loop is done with, or a new one: so there are never more than were needed.
func (c *Controller) buffer() *packet {
	select {
	case p := <-c.free:
		return p
	default:
		return new(packet)
	}
}

// loop owns the connection table and calls the host.
func (c *Controller) loop() {
	defer c.wg.Done()
	for {
		select {
		case p := <-c.in:
			c.handlePacket(p.b[:p.n])
			select {
			case c.free <- p:
			default:
			}
		case call := <-c.calls:
			call()
		case <-c.ended:
			c.endAll()
			return
		}
	}
}

func (c *Controller) endAll() {
	for handle, conn := range c.conns {
		delete(c.conns, handle)
		c.out.removeLink(conn)
		conn.end(c.Err())
	}
}

// onLoop runs f on the loop and waits for it, unless the controller is gone.
func (c *Controller) onLoop(f func()) error {
	done := make(chan struct{})
	select {
	case c.calls <- func() { f(); close(done) }:
		<-done
		return nil
	case <-c.ended:
		return c.Err()
	}
}

// Statistics reports the counters.
func (c *Controller) Statistics() (s Statistics, err error) {
	err = c.onLoop(func() { s = c.stats })
	return s, err
}

// Credits tells how many ACL buffers the controller has free, by our account, and how many it has.
func (c *Controller) Credits() (free, total int) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.buffers, c.out.total
}

// Connections is how many connections are in the table.
func (c *Controller) Connections() (n int, err error) {
	err = c.onLoop(func() { n = len(c.conns) })
	return n, err
}

func (c *Controller) handlePacket(b []byte) {
	if len(b) == 0 {
		c.stats.Malformed++
		return
	}
	switch b[0] {
	case hci.EventPacket:
		e, err := hci.ParseEvent(b[1:])
		if err == nil {
			err = c.handleEvent(e)
		}
		c.check(err)
	case hci.ACLPacket:
		p, err := hci.ParseACL(b[1:])
		if err != nil {
			c.check(err)
			return
		}
		c.handleACL(p)
	default:
		c.stats.UnknownPackets++
	}
}

// check counts and notes what could not be parsed; link and controller are kept.
func (c *Controller) check(err error) {
	if err != nil {
		c.stats.Malformed++
		c.logf("dropped: %v", err)
	}
}

func (c *Controller) handleACL(p hci.ACL) {
	conn := c.conns[p.Handle]
	if conn == nil || p.Broadcast != 0 {
		c.stats.UnknownHandles++
		return
	}
	switch p.Boundary {
	case hci.FirstFlushable, hci.FirstNonFlushable:
		conn.handler.HandleFragment(true, p.Data)
	case hci.Continuing:
		conn.handler.HandleFragment(false, p.Data)
	default: // 0b11 is a complete L2CAP PDU of BR/EDR
		c.stats.Malformed++
	}
}

func (c *Controller) handleEvent(e hci.EventFrame) error {
	if !c.started && e.Code != hci.EvCommandComplete {
		return nil // of whoever had the controller before
	}
	switch e.Code {
	case hci.EvCommandComplete:
		return c.handleCommandComplete(e.Parameters)
	case hci.EvCommandStatus:
		return c.handleCommandStatus(e.Parameters)
	case hci.EvNumberOfCompletedPackets:
		return c.handleCompleted(e.Parameters)
	case hci.EvLEMeta:
		return c.handleMeta(e.Parameters)
	case hci.EvDisconnectionComplete:
		return c.handleDisconnection(e.Parameters)
	case hci.EvEncryptionChange:
		v, err := hci.ParseEncryptionChange(e.Parameters)
		if conn := c.find(v.Handle, err); conn != nil {
			conn.handler.HandleEncryption(v.Status, v.Enabled != 0, false)
		}
		return err
	case hci.EvEncryptionKeyRefreshComplete:
		v, err := hci.ParseEncryptionKeyRefreshComplete(e.Parameters)
		if conn := c.find(v.Handle, err); conn != nil {
			conn.handler.HandleEncryption(v.Status, v.Status == hci.Success, true)
		}
		return err
	case hci.EvReadRemoteVersionInformationComplete:
		v, err := hci.ParseReadRemoteVersionInformationComplete(e.Parameters)
		if conn := c.find(v.Handle, err); conn != nil {
			answered(conn, &conn.version, remote[hci.ReadRemoteVersionInformationComplete]{v, v.Status.Err()})
		}
		return err
	case hci.EvHardwareError:
		v, err := hci.ParseHardwareError(e.Parameters)
		if err == nil {
			c.fail(&HardwareError{v.Hardware})
		}
		return err
	case hci.EvDataBufferOverflow:
		c.stats.BufferOverflows++
		return nil
	}
	c.stats.UnknownEvents++
	return nil
}

// find is the connection that an event names, nil when there is none or the event could not be parsed.
func (c *Controller) find(handle uint16, err error) *Conn {
	if err != nil {
		return nil
	}
	conn := c.conns[handle]
	if conn == nil {
		c.stats.UnknownHandles++
	}
	return conn
}

func (c *Controller) handleCommandComplete(b []byte) error {
	e, err := hci.ParseCommandComplete(b)
	if err != nil {
		return err
	}
	if !c.started {
		if e.Opcode != hci.OpReset {
			return nil
		}
		c.started = true
	}
	cmd := c.out.answered(e.Opcode, int(e.NumPackets), true)
	if cmd == nil {
		if e.Opcode != hci.OpNone {
			c.stats.UnexpectedAnswers++
		}
		return nil
	}
	status, err := hci.ReturnStatus(e.Opcode, e.Return)
	if err != nil {
		cmd.finish(nil, &CommandError{e.Opcode, err})
		return err
	}
	if status != hci.Success {
		cmd.finish(nil, &CommandError{e.Opcode, status})
		return nil
	}
	cmd.finish(e.Return[1:], nil)
	return nil
}

// handleCommandStatus takes an error as the answer to any command, since controllers answer unknown ones
// so; success ends only the commands whose result comes by an event.
func (c *Controller) handleCommandStatus(b []byte) error {
	e, err := hci.ParseCommandStatus(b)
	if err != nil {
		return err
	}
	final := e.Status != hci.Success || hci.AnsweredByStatus(e.Opcode)
	cmd := c.out.answered(e.Opcode, int(e.NumPackets), final)
	switch {
	case cmd == nil && e.Opcode != hci.OpNone:
		c.stats.UnexpectedAnswers++
	case cmd != nil && e.Status != hci.Success:
		cmd.finish(nil, &CommandError{e.Opcode, e.Status})
	case cmd != nil && final:
		cmd.finish(nil, nil)
	}
	return nil
}

func (c *Controller) handleCompleted(b []byte) error {
	e, err := hci.ParseNumberOfCompletedPackets(b)
	if err != nil {
		return err
	}
	for i := range e.Len() {
		done := e.At(i)
		conn := c.conns[done.Handle]
		if conn == nil {
			c.stats.UnknownHandles++ // late, for a connection that is gone: its buffers came back with its end
			continue
		}
		c.stats.ExcessCompletions += uint64(c.out.completed(conn, int(done.Count)))
	}
	return nil
}

func (c *Controller) handleDisconnection(b []byte) error {
	e, err := hci.ParseDisconnectionComplete(b)
	conn := c.find(e.Handle, err)
	if conn == nil || e.Status != hci.Success {
		return err
	}
	c.drop(conn, &DisconnectedError{conn.PeerAddress(), e.Reason})
	return nil
}

// drop takes a connection out of the table, with its buffers.
func (c *Controller) drop(conn *Conn, reason error) {
	delete(c.conns, conn.handle)
	c.out.removeLink(conn)
	conn.end(reason)
}

func (c *Controller) handleMeta(b []byte) error {
	code, b, err := hci.ParseLEMeta(b)
	if err != nil {
		return err
	}
	switch code {
	case hci.EvLEConnectionComplete:
		e, err := hci.ParseLEConnectionComplete(b)
		if err == nil {
			c.handleConnection(hci.LEEnhancedConnectionComplete{LEConnectionComplete: e})
		}
		return err
	case hci.EvLEEnhancedConnectionComplete:
		e, err := hci.ParseLEEnhancedConnectionComplete(b)
		if err == nil {
			c.handleConnection(e)
		}
		return err
	case hci.EvLEAdvertisingReport:
		e, err := hci.ParseLEAdvertisingReport(b)
		for _, r := range e.Reports {
			c.cfg.Handler.HandleAdvertisement(r)
		}
		return err
	case hci.EvLEConnectionUpdateComplete:
		e, err := hci.ParseLEConnectionUpdateComplete(b)
		if conn := c.find(e.Handle, err); conn != nil {
			conn.handler.HandleParameters(e)
		}
		return err
	case hci.EvLEReadRemoteFeaturesComplete:
		e, err := hci.ParseLEReadRemoteFeaturesComplete(b)
		if conn := c.find(e.Handle, err); conn != nil {
			answered(conn, &conn.feature, remote[hci.LEReadRemoteFeaturesComplete]{e, e.Status.Err()})
		}
		return err
	case hci.EvLELongTermKeyRequest:
		e, err := hci.ParseLELongTermKeyRequest(b)
		if conn := c.find(e.Handle, err); conn != nil {
			c.handleKeyRequest(conn, e)
		}
		return err
	case hci.EvLERemoteConnectionParameterRequest:
		e, err := hci.ParseLERemoteConnectionParameterRequest(b)
		if conn := c.find(e.Handle, err); conn != nil {
			c.handleParameterRequest(conn, e)
		}
		return err
	}
	c.stats.UnknownEvents++
	return nil
}

// handleKeyRequest answers at once: a request without an answer costs the peer 40 s and the link.
func (c *Controller) handleKeyRequest(conn *Conn, e hci.LELongTermKeyRequest) {
	var answer hci.Command = hci.LELongTermKeyRequestNegativeReply(e.Handle)
	if key, ok := conn.handler.HandleKeyRequest(e.Random, e.EDIV); ok {
		answer = hci.LELongTermKeyRequestReply{Handle: e.Handle, Key: key}
	}
	c.check(conn.post(answer))
}

func (c *Controller) handleParameterRequest(conn *Conn, e hci.LERemoteConnectionParameterRequest) {
	var answer hci.Command = hci.LERemoteConnectionParameterRequestNegativeReply{Handle: e.Handle, Reason: hci.UnacceptableConnectionParameters}
	if conn.handler.HandleParameterRequest(e) {
		answer = hci.LERemoteConnectionParameterRequestReply{Handle: e.Handle, Parameters: hci.ConnectionParameters{
			IntervalMin: e.IntervalMin, IntervalMax: e.IntervalMax, Latency: e.Latency, SupervisionTimeout: e.SupervisionTimeout}}
	}
	c.check(conn.post(answer))
}
