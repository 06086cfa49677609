package transport

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel says nothing when it drops a packet for want of room, but it counts. It does so only while the receive
// buffer is full, and a full one holds at least fifty packets, even of the largest and in the smallest buffer that a
// system gives. So whoever asks at every dropEvery packets hears of a loss before he has read what came before it,
// and asking at every packet would double the system calls. When the machine itself is short of memory the
// buffer need not be full: for that the meter asks at least every dropPeriod, if packets come at all.
const (
	dropEvery  = 16
	dropPeriod = time.Second
)

// A dropMeter notices that a socket dropped packets. Owner: the goroutine that reads.
type dropMeter struct {
	ask     func() (uint32, error) // the socket's count; nil once it could not tell
	before  uint32
	packets int // since the last question
	asked   time.Time
}

// start begins to count.
func (m *dropMeter) start(ask func() (uint32, error)) {
	before, err := ask()
	if err != nil { // kernels before 4.12
		return
	}
	m.ask, m.before, m.asked = ask, before, time.Now()
}

// look is called at every packet, and returns how many were dropped since start: mostly it does not ask.
func (m *dropMeter) look() int {
	if m.ask == nil {
		return 0
	}
	m.packets++
	now := time.Now()
	if m.packets < dropEvery && now.Sub(m.asked) < dropPeriod {
		return 0
	}
	m.packets, m.asked = 0, now
	count, err := m.ask()
	if err != nil { // the socket was closed meanwhile, as the next read will tell
		return 0
	}
	return int(count - m.before) // also where the count began anew
}

// The kernel's SO_MEMINFO is a list of numbers, one of them how many packets were dropped (include/uapi/linux/sock_diag.h).
const (
	meminfoSize  = 9
	meminfoDrops = 8
)

// socketDrops returns a question for a socket's count of dropped packets.
func socketDrops(raw syscall.RawConn) func() (uint32, error) {
	var (
		info  [meminfoSize]uint32
		size  uint32
		errno syscall.Errno
	)
	read := func(fd uintptr) {
		size = uint32(unsafe.Sizeof(info))
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	}
	return func() (uint32, error) {
		if err := raw.Control(read); err != nil {
			return 0, err
		}
		if errno != 0 {
			return 0, os.NewSyscallError("getsockopt", errno)
		}
		if size <= meminfoDrops*4 {
			return 0, unix.EOPNOTSUPP
		}
		return info[meminfoDrops], nil
	}
}
