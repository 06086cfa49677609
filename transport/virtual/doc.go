// Package virtual is a Bluetooth radio in memory: LE controllers that hear each other on one [Air]. Each
// [Controller] has a Conn for its host, like any other transport, so that whole applications can be tested, or
// shown, without hardware. What a host depends on is as a real controller does it: command and data
// credits, fragments, the order of events, advertising and connection events in their time, encryption that
// asks the other host for its key, and every way in which a link is lost.
//
// Time is Go's. Make the air inside a testing/synctest bubble and an hour on air takes no time: nothing runs
// while a link is idle or nobody listens. Outside, set [AirConfig].Instant for tests that should not wait for a
// connection event. There is no goroutine; what an air does, it does in the calls of its users and in one timer.
//
// A test breaks things with the methods of Controller: SetSilent, MissConnectRequests, DropLinks, Restart, Unplug,
// HoldCommands, Refuse, Inject. It asks [Counters] whether its host was right: one that sends more commands or data
// than it has credits for loses them, and is counted. The blame goes by what the host has read, so it is never unjust.
//
// Nothing is really enciphered: the keys of both sides are compared instead. LE Rand comes from the seed. This is a
// radio for tests, and keeps no secret.
//
//	supported                                      not supported
//	legacy advertising, undirected and directed    extended and periodic advertising
//	passive and active scanning, accept list
//	privacy: resolving list, both privacy modes
//	connecting, both roles, many links             PHYs, channels, data length update, subrating
//	encryption start, refresh and its failures     ping, authenticated payload time-out
//	connection update and parameters request       collisions of procedures beyond a parameters request
//	remote features and version                    ISO, SCO, BR/EDR
//	supervision time-out, peripheral latency       loss of single packets on air
//	Number Of Completed Packets, shared buffers    flow control of synchronous data
package virtual
