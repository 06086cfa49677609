package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// receiveBuffer is the room asked for what the kernel holds for us, in octets; it counts its own overhead too. When
	// it is full the kernel drops packets and says nothing.
	receiveBuffer = 1 << 20

	busyWait    = 10 * time.Second       // how long a busy controller is tried again
	busyFirst   = 50 * time.Millisecond  // the first pause
	busyLongest = 800 * time.Millisecond // pauses double up to this
)

// openUser binds the user channel of s and makes a Conn of it.
func openUser(ctx context.Context, s Spec, o Options) (Conn, error) {
	index, fd, err := bindSpec(ctx, s, o)
	if err != nil {
		cause, remedy := explain(lookFor(s, index, err))
		return nil, &OpenError{Op: opOpen, Spec: s, Err: err, Cause: cause, Remedy: remedy}
	}
	if err := growReceiveBuffer(fd); err != nil && o.Log != nil {
		o.Log.Warnf("%v: small receive buffer, packets may be lost: %v", s, err)
	}
	c, err := newUserConn(fd, adapterOf(index))
	if err != nil {
		return nil, &OpenError{Op: opOpen, Spec: s, Err: err, Cause: "the runtime can't wait for the socket"}
	}
	return c, nil
}

// bindSpec finds the controller that s names and binds its user channel. index is the controller that err is about.
func bindSpec(ctx context.Context, s Spec, o Options) (index, fd int, err error) {
	for {
		index = s.Index
		if o.Wait {
			if index, err = awaitSpec(ctx, s, o.Log); err != nil {
				return index, -1, err
			}
		}
		fd, err = patiently(ctx, s, o, func() (fd int, again bool, err error) {
			if s.Address != "" {
				if index, again, err = indexOf(s.Address); err != nil {
					return -1, again, err
				}
			}
			return bindOver(index, o.TakeOver)
		})
		if !o.Wait || !errors.Is(err, unix.ENODEV) { // else it has gone again
			return index, fd, err
		}
	}
}

// indexOf finds a controller by its address. Of several, which cheap ones are, it prefers one that is free. again
// tells that there is one whose address the kernel has not read yet.
func indexOf(address string) (index int, again bool, err error) {
	list, err := adapters()
	if err != nil {
		return -1, false, err
	}
	return pick(list, address)
}

func pick(list []Adapter, address string) (index int, again bool, err error) {
	index = -1
	for _, a := range list {
		switch {
		case a.Address == [6]byte{}:
			again = true
		case addressText(a.Address) == address && (index < 0 || a.Free()):
			index = a.Index
			if a.Free() {
				return index, false, nil
			}
		}
	}
	if index < 0 {
		return -1, again, unix.ENODEV
	}
	return index, false, nil
}

// names reports whether s is the specification of a controller.
func names(s Spec, a Adapter) bool {
	if s.Address != "" {
		return addressText(a.Address) == s.Address
	}
	return a.Index == s.Index
}

// adapterOf describes a controller, as far as the kernel tells.
func adapterOf(index int) Adapter {
	list, _ := adapters() // it is bound: that is enough
	if i := slices.IndexFunc(list, func(a Adapter) bool { return a.Index == index }); i >= 0 {
		return list[i]
	}
	return Adapter{Index: index, Name: fmt.Sprintf("%s%d", hciPrefix, index)}
}

// patiently calls try until it says that trying again would not help, or o.BusyWait is over.
func patiently(ctx context.Context, s Spec, o Options, try func() (fd int, again bool, err error)) (int, error) {
	wait := o.BusyWait
	if wait == 0 {
		wait = busyWait
	}
	end := time.Now().Add(wait)
	for pause := busyFirst; ; pause = min(2*pause, busyLongest) {
		fd, again, err := try()
		if !again || time.Now().Add(pause).After(end) {
			return fd, err
		}
		if o.Log != nil && pause == busyFirst {
			o.Log.Infof("%v is busy, waiting up to %v", s, wait)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return -1, fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// bindOver binds the user channel of a controller. It brings down one that is up, unless it is in use: by
// whoever has its user channel, or by bluetoothd, from which only takeOver takes it. again tells that the
// kernel itself is busy with the controller, so that waiting may help.
func bindOver(index int, takeOver bool) (fd int, again bool, err error) {
	fd, err = bindUser(index)
	switch {
	case !errors.Is(err, unix.EBUSY):
		return fd, false, err
	case userHeld(index):
		return -1, false, fmt.Errorf("%w: %w", unix.EUSERS, err)
	case !isUp(index):
		return -1, true, err
	case !takeOver && bluetoothd(procRoot).pid != 0:
		return -1, false, err
	}
	bringDown(index)
	fd, err = bindUser(index)
	return fd, errors.Is(err, unix.EBUSY), err
}

// hciSocket makes a Bluetooth HCI socket, without blocking and closed on exec.
func hciSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.BTPROTO_HCI)
	return fd, os.NewSyscallError("socket", err)
}

// bindUser binds the user channel of a controller and returns its socket.
func bindUser(index int) (int, error) {
	fd, err := hciSocket()
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrHCI{Dev: uint16(index), Channel: unix.HCI_CHANNEL_USER}); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}

// growReceiveBuffer asks for receiveBuffer, past the system's limit if the capability for it is there.
func growReceiveBuffer(fd int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) == nil {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF); err == nil && n < receiveBuffer {
		return fmt.Errorf("%d octets of %d", n, receiveBuffer)
	}
	return nil
}
