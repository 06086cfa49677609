// Package hcitest holds two controllers for tests, both a transport.Conn without any goroutine: a Script,
// which plays a recorded session and wants the host to send exactly what was recorded, and a Controller,
// whose answers a test sets command by command.
package hcitest
