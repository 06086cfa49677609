package transport

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// setBaud implements line. It makes the line raw, eight bits without parity, with or without RTS/CTS, at a rate, and
// looks at what became of that: drivers keep what they can't do as it was, and say nothing.
func (p *port) setBaud(baud int) error {
	want := termios(baud, p.rtscts)
	err := p.ioctl("tcsetattr", func(fd int) error { return unix.IoctlSetTermios(fd, setTermios, want) })
	if err != nil {
		return err
	}
	got, err := p.termios()
	if err != nil {
		return err
	}
	rate := int(got.Ospeed)
	p.rate.Store(int64(rate))
	if off := rate - baud; max(off, -off)*100 > baud*baudTolerance {
		return &BaudError{Want: baud, Got: rate}
	}
	if p.rtscts && got.Cflag&unix.CRTSCTS == 0 {
		return errNoFlow
	}
	return nil
}

// termios returns the settings of the line. What is no serial line says ENOTTY.
func (p *port) termios() (t *unix.Termios, err error) {
	err = p.ioctl("tcgetattr", func(fd int) (err error) {
		t, err = unix.IoctlGetTermios(fd, getTermios)
		return err
	})
	return t, err
}

// errNoFlow is a line that can't do RTS/CTS.
var errNoFlow = fmt.Errorf("no RTS/CTS: %w", unix.EOPNOTSUPP)

// baud implements line.
func (p *port) baud() int { return int(p.rate.Load()) }

// termios is a raw line. Octets with errors are dropped, so that the loss shows; breaks are none. Reads do not wait.
func termios(baud int, rtscts bool) *unix.Termios {
	t := &unix.Termios{
		Iflag:  unix.IGNBRK | unix.IGNPAR | unix.INPCK,
		Cflag:  unix.CS8 | unix.CREAD | unix.CLOCAL | unix.BOTHER,
		Ispeed: uint32(baud),
		Ospeed: uint32(baud),
	}
	if rtscts {
		t.Cflag |= unix.CRTSCTS
	}
	return t
}

// lineErrors implements line.
func (p *port) lineErrors() LineErrors {
	if !p.counts {
		return LineErrors{}
	}
	now, err := p.countErrors()
	if err != nil {
		return LineErrors{}
	}
	return now.Sub(p.before)
}

// The kernel's structures (include/uapi/linux/serial.h), as far as they matter: where in struct serial_icounter_struct
// and struct serial_struct a number stands, in octets, and room for either.
const (
	countFraming  = 24
	countOverrun  = 28
	countParity   = 32
	countBreak    = 36
	countOverflow = 40
	settingFlags  = 16
	structRoom    = 128
)

// countErrors asks the driver what it has counted since it was loaded.
func (p *port) countErrors() (LineErrors, error) {
	b := make([]byte, structRoom)
	if err := p.ioctl("", func(fd int) error { return ioctl(fd, unix.TIOCGICOUNT, b) }); err != nil {
		return LineErrors{}, err
	}
	return parseCounts(b), nil
}

func parseCounts(b []byte) LineErrors {
	at := func(i int) int { return int(binary.NativeEndian.Uint32(b[i:])) }
	return LineErrors{
		Overrun:  at(countOverrun),
		Overflow: at(countOverflow),
		Framing:  at(countFraming),
		Parity:   at(countParity),
		Break:    at(countBreak),
	}
}

// setLowLatency makes the driver hand over what comes at once. It matters for some USB adapters, which otherwise
// collect octets for 16 ms.
func setLowLatency(fd int) error {
	const lowLatency = 1 << 13 // ASYNC_LOW_LATENCY
	b := make([]byte, structRoom)
	if err := ioctl(fd, unix.TIOCGSERIAL, b); err != nil {
		return err
	}
	binary.NativeEndian.PutUint32(b[settingFlags:], binary.NativeEndian.Uint32(b[settingFlags:])|lowLatency)
	return ioctl(fd, unix.TIOCSSERIAL, b)
}
