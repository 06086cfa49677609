// Package gatt is the Generic Attribute Profile (Core 5.4, Vol 3, Part G) over package att: services, characteristics and
// descriptors, found, read, written and subscribed to as client, and declared and served as server.
//
// A [Conn] is both roles on one bearer. Whoever owns the bearer makes it and hands it what arrives:
//
//	conn := gatt.NewConn(bearer, gatt.Config{Server: server, Secure: raise})
//	… conn.Receive(pdu, security) for each PDU …
//	client, peer := conn.Client(), conn.Server()
//
// A [Client] asks for services and values. Values that arrive by themselves go to the handlers of its subscriptions, in order and on one
// goroutine; a handler may read and write. Its queue has a bound, and a full queue ends the link with [ErrSlowConsumer]:
// a value is never lost in silence.
//
// A [Server] is the database of the host, built from plain declarations, and a [ServerConn] is one client of it. What a client has subscribed to
// belongs to its identity: an opaque text that the host sets with [ServerConn.SetClient] and under which a [Store] keeps it.
//
//	supported                                            not supported
//	primary services (all, by UUID), characteristics,    included services as client, caching, Service Changed
//	descriptors: discovery
//	read, long read, write, long write, write command    reliable write as client, signed writes
//	notify and indicate, both roles                      Enhanced ATT bearers, Multiple Handle Value Notification
//	repeating what was refused for want of security      authorization
//	permissions: encryption, MITM protection,            databases that change, Database Hash, robust caching
//	Secure Connections, key size
//	GAP and GATT services, CCCDs kept per client         profile files
package gatt
