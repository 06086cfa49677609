package gatt

import (
	"context"

	"github.com/jelling-ble/jelling/att"
)

// DefaultQueue is how many octets of values wait for their handlers at most, if [Config] does not say otherwise.
const DefaultQueue = 256 << 10

// A Client asks the server of the peer. Its methods may be called from any goroutine. Cancelling a context frees the
// caller; the request stays open until its answer, and the bearer stays good.
//
// Errors are those of package att: an [*att.Error] when the server refuses, a [*att.ClosedError] when the link ends.
type Client struct{}

// ClientStats counts what arrived by itself, since the link began.
type ClientStats struct {
	Values   uint64 // notified and indicated values given to the queue
	Unwanted uint64 // values of a handle that nobody has subscribed to: dropped, and confirmed if indicated
	Lost     uint64 // values that found the queue full, or came after that; then the link ends
}

// Stats are the counters now.
func (c *Client) Stats() ClientStats { return ClientStats{} }

// MTU is the ATT_MTU now, in octets.
func (c *Client) MTU() int { return 0 }

// ExchangeMTU tells the server what we receive and returns the MTU that holds then, in octets (Vol 3, Part G, 4.3.1). It is asked once;
// later calls only return the MTU.
func (c *Client) ExchangeMTU(ctx context.Context) (int, error) { return 0, nil }

// Read reads a whole value or descriptor by its handle, with as many requests as it takes (Vol 3, Part G, 4.8.1, 4.8.3).
func (c *Client) Read(ctx context.Context, handle uint16) ([]byte, error) { return nil, nil }

// Write writes a value or descriptor by its handle and waits until the server says so; one that does not fit one PDU is
// prepared in parts and then executed (Vol 3, Part G, 4.9.3, 4.9.4).
func (c *Client) Write(ctx context.Context, handle uint16, value []byte) error { return nil }

// WriteCommand asks for a value to be written and waits only for room on the way out. Nobody tells whether it was
// (Vol 3, Part G, 4.9.1).
func (c *Client) WriteCommand(ctx context.Context, handle uint16, value []byte) error { return nil }

// A RemoteService is a service of the peer's server.
type RemoteService struct {
	UUID            att.UUID
	Handle          uint16 // its declaration
	End             uint16 // its last attribute
	Characteristics []RemoteCharacteristic
}

// A RemoteCharacteristic is a characteristic of the peer's server.
type RemoteCharacteristic struct {
	UUID        att.UUID
	Properties  Properties
	Handle      uint16 // its declaration
	ValueHandle uint16
	End         uint16 // its last attribute; may be too large for one that was found by UUID
	Descriptors []RemoteDescriptor
}

// A RemoteDescriptor is a descriptor of the peer's server.
type RemoteDescriptor struct {
	UUID   att.UUID
	Handle uint16
}

// Discover finds all primary services with their characteristics and descriptors.
func (c *Client) Discover(ctx context.Context) ([]RemoteService, error) { return nil, nil }

// DiscoverServices finds all primary services, without what is in them (Vol 3, Part G, 4.4.1).
func (c *Client) DiscoverServices(ctx context.Context) ([]RemoteService, error) { return nil, nil }

// DiscoverServicesByUUID finds the primary services of one kind, without what is in them (Vol 3, Part G, 4.4.2).
func (c *Client) DiscoverServicesByUUID(ctx context.Context, uuid att.UUID) ([]RemoteService, error) {
	return nil, nil
}

// DiscoverCharacteristics finds the characteristics of a service, without their descriptors (Vol 3, Part G, 4.6.1).
func (c *Client) DiscoverCharacteristics(ctx context.Context, s RemoteService) ([]RemoteCharacteristic, error) {
	return nil, nil
}

// DiscoverDescriptors finds the descriptors of a characteristic (Vol 3, Part G, 4.7.1).
func (c *Client) DiscoverDescriptors(ctx context.Context, ch RemoteCharacteristic) ([]RemoteDescriptor, error) {
	return nil, nil
}

// FindCharacteristics finds every characteristic of one kind in the whole database, without its descriptors (Vol 3, Part G, 4.6.2).
func (c *Client) FindCharacteristics(ctx context.Context, uuid att.UUID) ([]RemoteCharacteristic, error) {
	return nil, nil
}

// A Subscription is a characteristic whose values go to a handler.
type Subscription struct{}

// Subscribe asks for the values of a characteristic, by notification if it offers that, else by indication, and gives each to
// handler, in order of arrival (Vol 3, Part G, 4.10, 4.11). All handlers of a client share one goroutine; a handler may
// take its time within the bound of the queue, and may call the client. value is valid only until handler returns. The handler
// may be called before Subscribe returns. Without ch.Descriptors, they are discovered.
//
// Errors besides the client's: [ErrNotOffered], [ErrNoCCCD], [ErrSubscribed].
func (c *Client) Subscribe(ctx context.Context, ch RemoteCharacteristic, handler func(value []byte)) (*Subscription, error) {
	return nil, nil
}

// Close unsubscribes. No call of the handler begins after Close has begun. An error says that the server may not know of it;
// the subscription is gone anyway. Closing again, or after the end of the link, does nothing.
func (s *Subscription) Close(ctx context.Context) error { return nil }

// Done is closed when the handler has had its last value: after Close, or after the end of the link.
func (s *Subscription) Done() <-chan struct{} { return nil }

// Err is nil until Done is closed, and after Close; else it says why the link ended. It wraps [ErrSlowConsumer] if the queue was full.
func (s *Subscription) Err() error { return nil }
