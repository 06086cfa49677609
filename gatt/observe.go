package gatt

import "github.com/jelling-ble/jelling/att"

// Observed is what a client has done.
type Observed uint8

// What a client does with a value.
const (
	ValueRead      Observed = iota // it has read it, whole or from its beginning
	ValueWritten                   // it has written it, whole
	ValueConfirmed                 // it has confirmed its indication
)

// String is the verb: "read", "write", "confirmed".
func (o Observed) String() string { return [...]string{"read", "write", "confirmed"}[o] }

// An Observation is a value of a characteristic or descriptor that a client has to do with. Declarations are not among them, nor are
// configurations that are written: see [Characteristic.Subscribed].
type Observation struct {
	What   Observed
	From   *ServerConn
	Handle uint16
	UUID   att.UUID
	Value  []byte // valid only until Observe returns
}

// observe tells the host what the client has done.
func (c *ServerConn) observe(what Observed, a *attribute, value []byte) {
	if c.server.observe == nil || isDeclaration(a.typ) {
		return
	}
	c.server.observe(Observation{What: what, From: c, Handle: a.handle, UUID: a.typ, Value: value})
}
