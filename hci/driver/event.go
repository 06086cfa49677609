package driver

import "github.com/jelling-ble/jelling/hci"

func (c *Controller) handleEvent(e hci.EventFrame) error {
	switch e.Code {
	case hci.EvCommandComplete:
		return c.handleCommandComplete(e.Parameters)
	case hci.EvCommandStatus:
		return c.handleCommandStatus(e.Parameters)
	}
	switch {
	case c.phase == resetting:
		return nil
	case e.Code == hci.EvHardwareError:
		v, err := hci.ParseHardwareError(e.Parameters)
		if err == nil {
			c.fail(&HardwareError{v.Hardware})
		}
		return err
	case e.Code == evVendor && c.stopped(e.Parameters):
		return nil
	case c.phase == starting:
		return nil
	}
	return c.handleLinkEvent(e)
}

// handleLinkEvent handles the events that come once the controller is started up.
func (c *Controller) handleLinkEvent(e hci.EventFrame) error {
	switch e.Code {
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
			settle(conn, &conn.version, remote[hci.ReadRemoteVersionInformationComplete]{v, v.Status.Err()})
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

// drop takes a connection out of the table, with its buffers and the commands that waited for it.
func (c *Controller) drop(conn *Conn, reason error) {
	delete(c.conns, conn.handle)
	c.early.end(conn.handle)
	conn.fail(reason)
	waiting := c.out.removeLink(conn)
	close(conn.done) // who has waited for that sends nothing more for it
	for _, cmd := range waiting {
		cmd.done(nil, &CommandError{cmd.opcode, reason})
	}
	conn.handler.HandleDisconnect(reason)
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
			c.legacyTerminated(e)
			c.deliverEarly(e.Handle)
		}
		return err
	case hci.EvLEEnhancedConnectionComplete:
		e, err := hci.ParseLEEnhancedConnectionComplete(b)
		if err == nil {
			c.handleConnection(e)
			c.legacyTerminated(e.LEConnectionComplete)
			c.deliverEarly(e.Handle)
		}
		return err
	case hci.EvLEAdvertisingReport:
		return c.handleLegacyReports(b)
	case hci.EvLEDirectedAdvertisingReport:
		return c.handleDirectedReports(b)
	case hci.EvLEExtendedAdvertisingReport:
		return c.handleExtendedReports(b)
	case hci.EvLEAdvertisingSetTerminated, hci.EvLEScanRequestReceived, hci.EvLEPeriodicAdvertisingSubeventDataRequest,
		hci.EvLEPeriodicAdvertisingResponseReport:
		return c.handleSetEvent(code, b)
	case hci.EvLEPeriodicAdvertisingSyncEstablished, hci.EvLEPeriodicAdvertisingSyncEstablishedV2, hci.EvLEPeriodicAdvertisingReport,
		hci.EvLEPeriodicAdvertisingReportV2, hci.EvLEPeriodicAdvertisingSyncLost, hci.EvLEPeriodicAdvertisingSyncTransferReceived,
		hci.EvLEPeriodicAdvertisingSyncTransferReceivedV2:
		return c.handleSyncEvent(code, b)
	case hci.EvLEConnectionUpdateComplete, hci.EvLEPHYUpdateComplete, hci.EvLEDataLengthChange, hci.EvLESubrateChange,
		hci.EvLETransmitPowerReporting:
		return c.handleChange(code, b)
	case hci.EvLEReadRemoteFeaturesComplete:
		e, err := hci.ParseLEReadRemoteFeaturesComplete(b)
		if conn := c.find(e.Handle, err); conn != nil {
			settle(conn, &conn.features, remote[hci.LEReadRemoteFeaturesComplete]{e, e.Status.Err()})
		}
		return err
	case hci.EvLELongTermKeyRequest:
		e, err := hci.ParseLELongTermKeyRequest(b)
		if conn := c.find(e.Handle, err); conn != nil {
			conn.answerKeyRequest(e)
		}
		return err
	case hci.EvLERemoteConnectionParameterRequest:
		e, err := hci.ParseLERemoteConnectionParameterRequest(b)
		if conn := c.find(e.Handle, err); conn != nil {
			conn.answerParameterRequest(e)
		}
		return err
	}
	c.stats.UnknownEvents++
	return nil
}
