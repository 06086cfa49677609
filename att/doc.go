// Package att is the Attribute Protocol (Core 5.4, Vol 3, Part F): its PDUs, and one end of a bearer that carries them.
//
// A [Conn] is both roles on one [Bearer]. As client it sends requests one at a time and waits for their answers
// ([Conn.ReadInto], [Conn.Write], ...), sends commands, and hands received notifications and indications to
// the callbacks of its [Config]. As server it gives each request and command to [Config.Server], one after the other,
// and sends notifications and indications. It knows handles, types and values; what they mean is package gatt's.
//
// Requests wait for their turn, for room in the bearer, and for the answer. Their errors are an [*Error] when the server refuses,
// a [*MalformedError] or [ErrUnexpected] when what it answers is no answer, a [*ClosedError] when the bearer ends,
// [ErrTooLong] when the request does not fit the MTU, and the context's. A request whose context ends while it is
// outstanding may still take effect, and holds up the next until it is answered.
//
// Whatever carries the bearer calls [Conn.Receive] for each PDU, in order; Receive never waits. Cancelling a context
// frees the caller and never the protocol: the transaction stays open until its answer, or until
// [TransactionTimeout], which ends the bearer. The Conn ends with its bearer, and every pending operation
// then fails with a [*ClosedError] that says why.
//
//	supported                                    not supported
//	every PDU of 3.4, parsed, written and sent   the keys of signed writes (package gap)
//	client and server at once on one bearer      several bearers as one client (package gatt)
//	MTU exchange in either direction             attribute permissions, prepare queues (package gatt)
//	30 s time-out of requests and indications    ATT over BR/EDR
package att
