// Package gap is the host: it puts the layers on a controller together and gives them to a program as a few
// verbs. Scan, connect, secure, advertise, keep a connection up, watch what happens.
//
// A Host owns its controller. Everything that happens to its peers is an Event, told in order. A program
// asks for a security level, never for pairing; what happens when a peer has lost its bond is policy
// (smp.Policy), not chance.
//
// With a bond, a connection is encrypted to the bond's level before any ATT PDU of ours goes out, so that
// somebody who has the peer's address and not its key gets nothing.
//
// What GATT learns of a bonded peer is kept with the bond, in Config.GATTStore: the next connection costs no discovery.
// Host.Subscribe asks for values on every connection to a peer.
//
//	supported                                       not supported
//	scanning with filters, extended, on LE Coded    direction finding, isochronous channels
//	advertising by several sets: directed, long,    responses to periodic advertising, but by the driver
//	periodic; following and transferring it         encrypted advertising data, but as it came
//	any number of connections, in both roles        BR/EDR
//	parameters, PHYs, data length, subrating
//	private addresses of our own and of peers
//	security, bonds, a policy for lost ones
//	GATT client and server on one link, EATT
//	subscriptions and knowledge that last
//	credit-based channels
//	reconnection with back-off, recovery of the
//	controller
package gap
