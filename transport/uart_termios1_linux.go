//go:build ppc || ppc64 || ppc64le

package transport

import "golang.org/x/sys/unix"

// The requests for termios, which has any rate from the start on this architecture.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
