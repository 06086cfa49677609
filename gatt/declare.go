package gatt

import (
	"context"
	"fmt"

	"github.com/jelling-ble/jelling/att"
)

// A ReadFunc gives the value of an attribute to a client, at most 512 octets. It may take its time: it holds up only this client. An
// [att.ErrorCode] in its error is what the client is told; for any other error it is [att.ErrUnlikelyError]. ctx ends with the link.
type ReadFunc func(ctx context.Context, from *ServerConn) ([]byte, error)

// A WriteFunc takes the value that a client has written, whole, also if it came in parts. value is valid only until it returns. Time
// and errors are as for a [ReadFunc].
type WriteFunc func(ctx context.Context, from *ServerConn, value []byte) error

// A Service is the declaration of a service. Declarations are not changed by the server, and must not be changed while it uses them.
type Service struct {
	UUID            att.UUID
	Secondary       bool       // a service that only others include
	Includes        []*Service // of the same server
	Characteristics []*Characteristic

	// Handle is the service's own. If zero, it is the next that is free for the whole service, after the service before it.
	Handle uint16
	// Handles is how many handles the service spans. If zero, as many as it uses.
	Handles int
}

// A Characteristic is the declaration of a characteristic. Its address is its name: see [Server.Notify].
type Characteristic struct {
	UUID       att.UUID
	Properties Properties
	// Permissions of the value. If zero, they follow from Properties.
	Permissions Permissions
	// Value is the value to begin with. The server keeps its own copy, which SetValue, Notify and the clients' writes change.
	Value []byte
	// MaxLen is the longest value a client may write, in octets. If zero, 512.
	MaxLen int
	// Read gives the value. If nil, the server keeps it.
	Read ReadFunc
	// Write takes a value that a client writes, or refuses it. If nil, everything is taken. Without Read, the server then keeps what was taken.
	Write WriteFunc
	// Subscribed is told how a client is subscribed, when that changes: by its wish, by SetClient, by the end of the link, by the removal
	// of the characteristic. It may notify, and must not call SetClient, Forget or Change. If nil, nobody is told.
	Subscribed func(from *ServerConn, notify, indicate bool)
	// Descriptors follow in this order. One that notifies or indicates gets a Client Characteristic Configuration descriptor by
	// itself, unless one is listed here or Handle is set: as the first, or as the last if the first has its handle.
	Descriptors []*Descriptor

	// Handle is that of the declaration; the value has the next. If zero, it follows what comes before.
	Handle uint16
}

// A Descriptor is the declaration of a characteristic descriptor.
type Descriptor struct {
	UUID        att.UUID
	Permissions Permissions // Notify is not used
	Value       []byte      // as in Characteristic
	MaxLen      int         // as in Characteristic
	Read        ReadFunc    // as in Characteristic
	Write       WriteFunc   // as in Characteristic
	Handle      uint16      // if zero, it follows what comes before
}

// A DeclarationError says which declaration a server can't have, and why.
type DeclarationError struct {
	Service        int    // which of the services, from 1; 0 for one of the server's own
	Characteristic int    // which of its characteristics, from 1; 0 if it is about the service
	Descriptor     int    // which of its descriptors, from 1; 0 if it is about the characteristic
	Field          string // what of it: "Handle", "Handles", "Value", "MaxLen", "Includes"; empty for the whole
	Err            error
}

// Error names the declaration and what is wrong with it.
func (e *DeclarationError) Error() string {
	s := "gatt: service of the server's own"
	if e.Service > 0 {
		s = fmt.Sprintf("gatt: service %d", e.Service)
	}
	if e.Characteristic > 0 {
		s += fmt.Sprintf(", characteristic %d", e.Characteristic)
	}
	if e.Descriptor > 0 {
		s += fmt.Sprintf(", descriptor %d", e.Descriptor)
	}
	if e.Field != "" {
		s += ", " + e.Field
	}
	return s + ": " + e.Err.Error()
}

// Unwrap is Err.
func (e *DeclarationError) Unwrap() error { return e.Err }
