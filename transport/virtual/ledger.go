package virtual

import "github.com/jelling-ble/jelling/hci"

// A ledger is what the host may believe about its credits: it follows what the host has read, not what the
// controller has done, so that a host is blamed only for what it could have known.
type ledger struct {
	commands int            // command packets that may be sent
	acl      int            // ACL packets that are out, all handles together
	handles  map[uint16]int // of those, by handle; the handles that the host may use
}

// newLedger is that of a controller just powered on: one command may be sent (Vol 4, Part E, 4.4).
func newLedger() ledger { return ledger{commands: 1, handles: map[uint16]int{}} }

// open begins a handle.
func (l *ledger) open(handle uint16) { l.handles[handle] = 0 }

// spend notes an ACL packet that was sent. It reports whether the host may use the handle.
func (l *ledger) spend(handle uint16) bool {
	n, known := l.handles[handle]
	if known {
		l.handles[handle] = n + 1
		l.acl++
	}
	return known
}

// refund notes ACL packets that have come back.
func (l *ledger) refund(handle uint16, n int) {
	out, known := l.handles[handle]
	if !known {
		return
	}
	n = min(n, out)
	l.handles[handle] = out - n
	l.acl -= n
}

// close ends a handle: its credits come back.
func (l *ledger) close(handle uint16) {
	l.acl -= l.handles[handle]
	delete(l.handles, handle)
}

// closeAll ends every handle.
func (l *ledger) closeAll() {
	clear(l.handles)
	l.acl = 0
}

// read notes a packet that the host reads. Inject may have put anything among them.
func (l *ledger) read(p []byte) {
	if len(p) < 1 || p[0] != hci.EventPacket {
		return
	}
	f, err := hci.ParseEvent(p[1:])
	if err != nil {
		return
	}
	switch f.Code {
	case hci.EvCommandComplete:
		if e, err := hci.ParseCommandComplete(f.Parameters); err == nil {
			l.commands = int(e.NumPackets)
		}
	case hci.EvCommandStatus:
		if e, err := hci.ParseCommandStatus(f.Parameters); err == nil {
			l.commands = int(e.NumPackets)
		}
	case hci.EvNumberOfCompletedPackets:
		if e, err := hci.ParseNumberOfCompletedPackets(f.Parameters); err == nil {
			for i := range e.Len() {
				l.refund(e.At(i).Handle, int(e.At(i).Count))
			}
		}
	case hci.EvDisconnectionComplete:
		if e, err := hci.ParseDisconnectionComplete(f.Parameters); err == nil && e.Status == hci.Success {
			l.close(e.Handle)
		}
	}
}
