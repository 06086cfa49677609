package transport

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dialTimeout bounds a dial whose context has no earlier deadline.
const dialTimeout = 10 * time.Second

type unixKind struct{}

func (unixKind) name() Kind           { return Unix }
func (unixKind) form() string         { return "unix:/path" }
func (unixKind) format(s Spec) string { return s.Path }

func (unixKind) parse(rest string) (Spec, string) {
	switch {
	case rest == "":
		return Spec{}, "no path to the socket"
	case strings.ContainsRune(rest, 0):
		return Spec{}, "a path can't hold a zero octet"
	}
	return Spec{Path: rest}, ""
}

func (unixKind) open(ctx context.Context, s Spec, _ Options) (Conn, error) {
	return dial(ctx, s, "unix", s.Path)
}

type tcpKind struct{}

func (tcpKind) name() Kind           { return TCP }
func (tcpKind) form() string         { return "tcp:host:port" }
func (tcpKind) format(s Spec) string { return s.Address }

func (tcpKind) parse(rest string) (Spec, string) {
	host, port, err := net.SplitHostPort(rest)
	if err != nil || host == "" {
		return Spec{}, "a host and a port are needed, an IPv6 host in brackets"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return Spec{}, "the port is a number from 1 to 65535"
	}
	return Spec{Address: net.JoinHostPort(host, strconv.FormatUint(n, 10))}, ""
}

func (tcpKind) open(ctx context.Context, s Spec, _ Options) (Conn, error) {
	return dial(ctx, s, "tcp", s.Address)
}

// dial connects a stream socket and runs H4 over it.
func dial(ctx context.Context, s Spec, network, address string) (Conn, error) {
	c, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		cause, remedy := explainDial(err)
		return nil, &OpenError{Op: opOpen, Spec: s, Err: err, Cause: cause, Remedy: remedy}
	}
	return NewH4(c), nil
}

// explainDial says what a failed dial means, and what to do. It falls back on silence.
func explainDial(err error) (cause, remedy string) {
	const serve = "start the program that serves the controller, or correct the address"
	var timeout net.Error
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such socket", serve
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there", serve
	case errors.Is(err, fs.ErrPermission):
		return "the socket's mode does not let this user in", "run as the socket's user or group, or change its mode"
	case errors.Is(err, context.Canceled):
		return "cancelled", ""
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time", serve
	}
	return "", ""
}
