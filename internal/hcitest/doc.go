// Package hcitest holds two controllers for tests, each a transport.Conn without any goroutine of its own: a
// [Script], which plays a recorded session and wants the host to send exactly what was recorded, and a
// [Controller], whose answers a test sets command by command.
//
//	supported                                     not supported
//	recordings of commands, events and ACL data   SCO and ISO data
//	recorded pauses, in a synctest bubble too     a link layer: transport/virtual has one
//	answers of a start-up, adjustable             what extended and periodic advertising need to start
//	refusals, silence, wrong answers, unplugging  delays on the host's writes
package hcitest
