//go:build lab

package lab

import (
	"bytes"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// The addresses that btvirt gives its two controllers, most significant octet first.
var (
	hci0Address = [6]byte{0x00, 0xAA, 0x01, 0x00, 0x00, 0x00}
	hci1Address = [6]byte{0x00, 0xAA, 0x01, 0x01, 0x00, 0x01}
)

const (
	lePublic = 1 // BDADDR_LE_PUBLIC
	spsm     = 0x80
)

// kernelSocket is an L2CAP socket of the kernel's own on hci1, for LE credit-based channels.
func kernelSocket(t *testing.T, psm uint16) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, unix.BTPROTO_L2CAP)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrL2{PSM: psm, Addr: hci1Address, AddrType: lePublic}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// kernelRadio brings hci1 up as the kernel's, with nobody on it but the kernel.
func kernelRadio(t *testing.T) {
	t.Helper()
	radio(t)
	run(t, "hciconfig", "hci1", "up")
}

// sdu is longer than a frame and than btvirt's ACL buffers.
var sdu = bytes.Repeat([]byte("credit by credit. "), 30)

// TestChannelToTheKernel: jelling l2cap cat opens a channel to a socket of the kernel, which sends back what comes.
func TestChannelToTheKernel(t *testing.T) {
	kernelRadio(t)
	l := kernelSocket(t, spsm)
	defer unix.Close(l)
	if err := unix.Listen(l, 1); err != nil {
		t.Fatal(err)
	}
	run(t, "hciconfig", "hci1", "leadv", "0")
	const rounds = 20
	want := bytes.Repeat(sdu, rounds)
	served := make(chan error, 1)
	go func() { served <- echo(l, len(want)) }()

	cmd := newSession(t, "").command("l2cap", "cat", "0x80", "00:AA:01:01:00:01/public", "--shut", "--timeout", "20s", "-v")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(output(t, "jelling.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = stdin.Write(want) }()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(stdout, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d octets came back, want %d: %v", n, len(want), err)
	}
	_ = stdin.Close()
	if err := <-served; err != nil {
		t.Errorf("the kernel: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("jelling: %v", err)
	}
}

// echo sends back so many octets of the first channel, and closes it.
func echo(l, octets int) error {
	fd, _, err := unix.Accept(l)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	b := make([]byte, 4096)
	for octets > 0 {
		n, err := unix.Read(fd, b)
		if err != nil || n == 0 {
			return err
		}
		if _, err := unix.Write(fd, b[:n]); err != nil {
			return err
		}
		octets -= n
	}
	_, err = unix.Read(fd, b) // until jelling has had enough: the kernel does not send what is queued when a socket is closed
	return err
}

// TestChannelFromTheKernel: a socket of the kernel opens a channel to jelling l2cap cat, which advertises.
func TestChannelFromTheKernel(t *testing.T) {
	kernelRadio(t)
	cmd := newSession(t, "").command("l2cap", "cat", "0x80", "--timeout", "20s", "-v")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(output(t, "jelling.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()

	fd := kernelSocket(t, 0)
	defer unix.Close(fd)
	until(t, "channel from the kernel", func() bool {
		return unix.Connect(fd, &unix.SockaddrL2{PSM: spsm, Addr: hci0Address, AddrType: lePublic}) == nil
	})
	if _, err := unix.Write(fd, sdu); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(sdu))
	if _, err := io.ReadFull(stdout, got); err != nil || !bytes.Equal(got, sdu) {
		t.Errorf("jelling received %q, %v", got, err)
	}
	if _, err := stdin.Write(sdu); err != nil {
		t.Fatal(err)
	}
	got = make([]byte, 4096)
	if n, err := unix.Read(fd, got); err != nil || !bytes.Equal(got[:n], sdu) {
		t.Errorf("the kernel received %q, %v", got[:n], err)
	}
	unix.Close(fd)
	if err := cmd.Wait(); err != nil {
		t.Errorf("jelling, when the kernel has closed the channel: %v", err)
	}
}
