// Package atttest is a bearer in memory, for the tests of whatever speaks ATT.
//
// [Conns] gives the two ends of a bearer as a pair of [att.Conn]; [Script] gives one end, with a [Peer] at the other that sends and
// expects raw PDUs in hexadecimal. [ParseScenarios] reads scripts from a text. All of it works inside a synctest bubble.
//
//	supported                                     not supported
//	both ends, replies before everything else     loss, delay, fragments
//	security per end, enhanced bearers            several bearers of one link
package atttest
