package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's ioctls for HCI (include/net/bluetooth/hci_sock.h). Their direction bits differ between
// architectures, and are taken from two of x/sys/unix's own whose argument has the size of an int, as these have.
const (
	iow = unix.TUNSETIFF &^ 0xFFFF      // _IOW(0, 0, int)
	ior = unix.TUNGETFEATURES &^ 0xFFFF // _IOR(0, 0, int)

	hciDevDown     = iow | 'H'<<8 | 202
	hciGetDevList  = ior | 'H'<<8 | 210
	hciGetDevInfo  = ior | 'H'<<8 | 211
	hciGetConnInfo = ior | 'H'<<8 | 213
)

// maxAdapters bounds the list that the kernel is asked for.
const maxAdapters = 256

// Sizes of the kernel's structures, in octets.
const (
	devListHeader = 4  // u16 number, padding
	devListEntry  = 8  // u16 index, padding, u32 flags
	devInfoSize   = 92 // struct hci_dev_info
	connInfoSize  = 8  // struct hci_conn_info_req without its result
)

// Adapters lists the controllers that the kernel knows, by their numbers. It needs no privilege. The error is an
// *OpenError.
func Adapters() ([]Adapter, error) {
	list, err := adapters()
	if err != nil {
		cause, remedy := explain(look(-1, err))
		return nil, &OpenError{Op: opList, Err: err, Cause: cause, Remedy: remedy}
	}
	return list, nil
}

func adapters() ([]Adapter, error) {
	fd, err := hciSocket()
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, devListHeader+maxAdapters*devListEntry)
	binary.NativeEndian.PutUint16(buf, maxAdapters)
	if err := ioctl(fd, hciGetDevList, buf); err != nil {
		return nil, err
	}
	var list []Adapter
	indexes := parseDevList(buf)
	slices.Sort(indexes)
	for _, index := range indexes {
		switch a, err := adapterInfo(fd, index); {
		case err == nil:
			list = append(list, a)
		case !errors.Is(err, unix.ENODEV): // gone since it was listed
			return nil, err
		}
	}
	return list, nil
}

// parseDevList reads the indexes from HCIGETDEVLIST's answer.
func parseDevList(b []byte) []int {
	n := min(int(binary.NativeEndian.Uint16(b)), (len(b)-devListHeader)/devListEntry)
	indexes := make([]int, n)
	for i := range indexes {
		indexes[i] = int(binary.NativeEndian.Uint16(b[devListHeader+i*devListEntry:]))
	}
	return indexes
}

// adapterInfo asks for one controller, on any HCI socket.
func adapterInfo(fd, index int) (Adapter, error) {
	buf := make([]byte, devInfoSize)
	binary.NativeEndian.PutUint16(buf, uint16(index))
	if err := ioctl(fd, hciGetDevInfo, buf); err != nil {
		return Adapter{}, err
	}
	return parseDevInfo(buf), nil
}

// parseDevInfo reads HCIGETDEVINFO's answer, of devInfoSize octets.
func parseDevInfo(b []byte) Adapter {
	name, _, _ := strings.Cut(string(b[2:10]), "\x00")
	return Adapter{
		Index:   int(binary.NativeEndian.Uint16(b)),
		Name:    name,
		Address: [6]byte(b[10:16]),
		Flags:   binary.NativeEndian.Uint32(b[16:]),
		Bus:     Bus(b[20] & 0x0F), // kernels before 6.10 keep the controller's type above
	}
}

// isUp reports whether a controller is up. One that can't be asked is not.
func isUp(index int) bool {
	fd, err := hciSocket()
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	a, err := adapterInfo(fd, index)
	return err == nil && a.Up()
}

// bringDown takes the power from a controller. Failing does not matter: binding will tell.
func bringDown(index int) {
	fd, err := hciSocket()
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_ = unix.IoctlSetInt(fd, hciDevDown, index)
}

// userHeld reports whether a process has the user channel of a controller. Every question on a raw
// channel is then answered with EBUSY; this one, for a connection with nobody, has no effect and needs no
// privilege.
func userHeld(index int) bool {
	fd, err := hciSocket()
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if unix.Bind(fd, &unix.SockaddrHCI{Dev: uint16(index), Channel: unix.HCI_CHANNEL_RAW}) != nil {
		return false
	}
	return errors.Is(ioctl(fd, hciGetConnInfo, make([]byte, connInfoSize)), unix.EBUSY)
}

// ioctl calls req with the address of arg.
func ioctl(fd int, req uint, arg []byte) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(req), uintptr(unsafe.Pointer(&arg[0])))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return os.NewSyscallError(fmt.Sprintf("ioctl 0x%X", req), errno)
		}
	}
}
