//go:build !ppc && !ppc64 && !ppc64le

package transport

import "golang.org/x/sys/unix"

// The requests for termios with any rate.
const (
	getTermios = unix.TCGETS2
	setTermios = unix.TCSETS2
)
