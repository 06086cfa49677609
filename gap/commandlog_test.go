package gap_test

import (
	"fmt"
	"sync"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// commandLog keeps the commands that a host sends.
type commandLog struct {
	mu       sync.Mutex
	commands []hci.CommandFrame
}

// tap puts the log around a host's controller.
func (l *commandLog) tap(c transport.Conn) transport.Conn { return &loggedConn{c, l} }

type loggedConn struct {
	transport.Conn
	log *commandLog
}

func (c *loggedConn) WritePacket(p []byte) error {
	if p[0] == hci.CommandPacket {
		if f, err := hci.ParseCommand(p[1:]); err == nil {
			f.Parameters = append([]byte(nil), f.Parameters...)
			c.log.mu.Lock()
			c.log.commands = append(c.log.commands, f)
			c.log.mu.Unlock()
		}
	}
	return c.Conn.WritePacket(p)
}

// all are the parameters of the commands of an opcode, in hexadecimal.
func (l *commandLog) all(op hci.Opcode) (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.commands {
		if f.Opcode == op {
			all = append(all, fmt.Sprintf("%x", f.Parameters))
		}
	}
	return all
}

// last are the parameters of the last command of an opcode, "" for none.
func (l *commandLog) last(op hci.Opcode) string {
	if all := l.all(op); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}
