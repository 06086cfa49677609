// Package gatt is the Generic Attribute Profile (Core 5.4, Vol 3, Part G) over package att: services, characteristics and
// descriptors, found, read, written and subscribed to as client, and declared and served as server.
//
// A [Conn] is both roles on one link, by one bearer and those that [Conn.AddBearer] adds. Whoever owns the bearer makes it and hands it what arrives:
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
//	discovery of all kinds, and none of a known server   ATT over BR/EDR
//	read, long read, write, long and reliable write,     profiles: what a value means (gatt/value)
//	write command, signed write
//	notify (several values too) and indicate, both roles notifications on enhanced bearers: there is no order between bearers
//	several bearers of one link (EATT)                   opening them (package gap)
//	repeating what was refused for want of security      raising security (package gap)
//	permissions: encryption, MITM protection,
//	Secure Connections, key size, authorization
//	GAP and GATT services, CCCDs kept per client,
//	databases that change: Service Changed,
//	Database Hash, robust caching
package gatt
