package vendor

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// A state is what a chip is doing.
type state int

const (
	inROM state = iota
	inMinidriver
	inFirmware
	dead // started with another chip's firmware: silent at every rate until its power is cut
)

// How the fake answers.
const (
	romName     = "BCM43430A1"
	patchedName = "BCM43438A1 37.4MHz Raspberry Pi 3-0141"

	minidriverTime = 40 * time.Millisecond  // from its answer until it takes records
	bootTime       = 230 * time.Millisecond // from the launch until firmware listens
	resetTime      = 80 * time.Millisecond  // from the answer to HCI_Reset until it listens again
	switchTime     = 2 * time.Millisecond   // from the answer to a new rate until it is there
)

var (
	placeholder = hci.Address{Octets: [6]byte{0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA}}
	ownAddress  = hci.Address{Octets: [6]byte{0x0E, 0x4D, 0x5B, 0xEB, 0x27, 0xB8}}
)

// chip is a Broadcom chip's ROM and what it becomes, at the level of octets on a line. It refuses what its state
// does not allow, loses what comes at another rate or while it is busy, and is out of step after noise.
type chip struct {
	rom        string // its name
	name       string // as it says now; empty after firmware is the firmware's choice
	company    uint16
	subversion uint16
	factory    hci.Address // what the ROM reads from its fuses
	sticky     bool        // Write BD_ADDR is answered, and forgotten

	state    state
	baud     int
	wide     bool // the UART clock is 48 MHz
	address  hci.Address
	busy     time.Time // until then it hears nothing
	next     int       // the rate to go to at change
	change   time.Time
	ram      []byte
	confused bool // it takes the next packet for the rest of a garbled one
	commands []hci.CommandFrame
	fault    func(n int, c hci.CommandFrame) fault // of the n-th command, from 0
}

// A fault is how one command goes wrong.
type fault int

const (
	none    fault = iota
	deaf          // the command is lost
	mute          // the answer is lost
	refuse        // Command Disallowed, and nothing done
	empty         // an answer without status
	cut           // the last octet of the answer is missing
	longer        // there are octets behind the answer
	garbage       // the answer is no event
)

func (f fault) String() string {
	return [...]string{"none", "deaf", "mute", "refuse", "empty", "cut", "longer", "garbage"}[f]
}

func newChip() *chip {
	return &chip{rom: romName, name: romName, company: companyBroadcom, subversion: 0x2209, factory: placeholder, address: placeholder, baud: romBaud}
}

// power cuts and restores the power.
func (c *chip) power() {
	c.state, c.baud, c.wide, c.ram, c.confused = inROM, romBaud, false, nil, false
	c.name, c.address, c.busy, c.next = c.rom, c.factory, time.Time{}, 0
}

// hear takes octets that arrive at a rate now, and returns those it answers, at the rate that it answers at.
func (c *chip) hear(b []byte, baud int) ([]byte, int) {
	now := time.Now()
	if c.next != 0 && !now.Before(c.change) {
		c.baud, c.next = c.next, 0
	}
	if now.Before(c.busy) || c.state == dead {
		return nil, c.baud
	}
	if baud != c.baud || c.next != 0 {
		c.confused = true
		return nil, c.baud
	}
	if c.confused {
		c.confused = false
		return nil, c.baud
	}
	frame, err := hci.ParseCommand(b[1:])
	if b[0] != hci.CommandPacket || err != nil {
		c.confused = true
		return nil, c.baud
	}
	n := len(c.commands)
	c.commands = append(c.commands, hci.CommandFrame{Opcode: frame.Opcode, Parameters: bytes.Clone(frame.Parameters)})
	how := none
	if c.fault != nil {
		how = c.fault(n, frame)
	}
	if how == deaf {
		return nil, c.baud
	}
	at := c.baud // answers go out before anything changes
	ret := []byte{byte(hci.CommandDisallowed)}
	if how != refuse {
		ret = c.obey(frame)
	}
	switch how {
	case mute:
		return nil, at
	case empty:
		ret = nil
	case cut:
		ret = ret[:len(ret)-1]
	case longer:
		ret = append(ret, 0xC0, 0xFF, 0xEE)
	case garbage:
		return []byte{0x07, 0xFF, 0x00}, at
	}
	return hci.AppendEvent(nil, hci.CommandComplete{NumPackets: 1, Opcode: frame.Opcode, Return: ret}), at
}

// obey does what a command says and returns status and return parameters.
func (c *chip) obey(f hci.CommandFrame) []byte {
	refused := func(s hci.Status) []byte { return []byte{byte(s)} }
	ok := []byte{byte(hci.Success)}
	now := time.Now()
	p := f.Parameters
	if f.Opcode == hci.OpReset {
		if c.state == inMinidriver {
			c.state, c.ram = inROM, nil
		}
		c.busy = now.Add(resetTime)
		return ok
	}
	if c.state == inMinidriver {
		switch f.Opcode {
		case 0xFC4C:
			c.ram = append(c.ram, p[4:]...)
			return ok
		case 0xFC4E:
			c.boot()
			return ok
		}
		return refused(hci.CommandDisallowed)
	}
	switch f.Opcode {
	case 0x1001:
		return hci.LocalVersion{HCIVersion: 8, LMPVersion: 8, Company: c.company, LMPSubversion: c.subversion}.AppendTo(ok)
	case 0x0C14:
		return append(ok, append([]byte(c.name), make([]byte, 248-len(c.name))...)...)
	case 0x1009:
		return append(ok, c.address.Octets[:]...)
	case 0xFC01:
		if len(p) != 6 {
			return refused(hci.InvalidHCICommandParameters)
		}
		if !c.sticky {
			copy(c.address.Octets[:], p)
		}
		return ok
	case 0xFC2E:
		c.state, c.ram, c.busy = inMinidriver, nil, now.Add(minidriverTime)
		return ok
	case 0xFC45:
		c.wide = len(p) == 1 && p[0] == 1
		return ok
	case 0xFC18:
		if len(p) != 6 || p[0] != 0 || p[1] != 0 {
			return refused(hci.InvalidHCICommandParameters)
		}
		rate := int(binary.LittleEndian.Uint32(p[2:]))
		if rate > 3_000_000 && !c.wide {
			return refused(hci.InvalidHCICommandParameters)
		}
		c.next, c.change = rate, now.Add(switchTime)
		return ok
	case 0xFC4C, 0xFC4E:
		return refused(hci.CommandDisallowed)
	}
	return refused(hci.UnknownHCICommand)
}

// boot starts what was written, which is good only for the chip that it is for.
func (c *chip) boot() {
	_, rest, _ := strings.Cut(string(c.ram), "firmware for ")
	rest, _, _ = strings.Cut(rest, "\x00")
	rom, name, whole := strings.Cut(rest, ": ")
	c.baud, c.wide, c.address = romBaud, false, c.factory
	c.busy = time.Now().Add(bootTime)
	c.state, c.name = inFirmware, name
	if !whole || rom != c.rom {
		c.state = dead
	}
}

// hcd is firmware as it comes: Write RAM records of up to 251 octets, and Launch RAM.
func hcd(rom, name string) []byte {
	image := fmt.Appendf(nil, "firmware for %s: %s\x00", rom, name)
	for len(image) < 3*251+17 {
		image = append(image, byte(len(image)*7))
	}
	var b []byte
	for at := 0; at < len(image); at += 251 {
		part := image[at:min(at+251, len(image))]
		b = append(b, 0x4C, 0xFC, byte(4+len(part)))
		b = binary.LittleEndian.AppendUint32(b, 0x00210000+uint32(at))
		b = append(b, part...)
	}
	return append(b, 0x4E, 0xFC, 4, 0xFF, 0xFF, 0xFF, 0xFF)
}

// line is the host's end of the UART: a Controller and a Port. It takes the time that octets take.
type line struct {
	t       *testing.T
	chip    *chip
	baud    int
	fastest int // rates above it are refused; 0 for none
	stuck   int // SetBaud to it fails once the chip was told of it
	waiting bool
	reads   int                          // Discards
	rates   int                          // SetBauds
	failing func(rates, reads int) error // of SetBaud and Discard, by how many there were
	err     error                        // of everything
	before  func(n int)                  // the n-th Do, from 0
	sent    int
}

func newLine(t *testing.T, c *chip) *line { return &line{t: t, chip: c, baud: romBaud} }

func (l *line) Baud() int { return l.baud }

func (l *line) SetBaud(ctx context.Context, baud int) error {
	if l.waiting {
		l.t.Error("the rate is changed while an answer is awaited")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l.rates++
	if l.failing != nil {
		if err := l.failing(l.rates-1, -1); err != nil {
			return err
		}
	}
	if l.fastest != 0 && baud > l.fastest || l.stuck == baud && l.chip.next == baud {
		return fmt.Errorf("%d baud refused", baud)
	}
	l.baud = baud
	return nil
}

func (l *line) Discard(ctx context.Context, d time.Duration) error {
	l.reads++
	if l.failing != nil {
		if err := l.failing(-1, l.reads-1); err != nil {
			return err
		}
	}
	if l.err != nil {
		return l.err
	}
	return wait(ctx, d)
}

func (l *line) Do(ctx context.Context, cmd hci.Command) ([]byte, error) {
	if l.waiting {
		l.t.Errorf("%v is sent while another answer is awaited", cmd.Opcode())
	}
	l.waiting = true
	defer func() { l.waiting = false }()
	l.sent++
	if l.before != nil {
		l.before(l.sent - 1)
	}
	if l.err != nil {
		return nil, l.err
	}
	packet := hci.AppendCommand(nil, cmd)
	if err := wait(ctx, l.take(packet)); err != nil {
		return nil, err
	}
	answer, baud := l.chip.hear(packet, l.baud)
	if answer == nil || baud != l.baud || answer[0] != hci.EventPacket {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if err := wait(ctx, l.take(answer)); err != nil {
		return nil, err
	}
	event, err := hci.ParseEvent(answer[1:])
	if err != nil {
		return nil, err
	}
	complete, err := hci.ParseCommandComplete(event.Parameters)
	if err != nil {
		return nil, err
	}
	status, err := hci.ReturnStatus(complete.Opcode, complete.Return)
	if err == nil {
		err = status.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", complete.Opcode, err)
	}
	return complete.Return[1:], nil
}

// take is how long octets are on the line.
func (l *line) take(b []byte) time.Duration {
	return time.Duration(len(b)) * 10 * time.Second / time.Duration(l.baud)
}

// opcodes lists what the chip heard.
func (c *chip) opcodes() (list []hci.Opcode) {
	for _, f := range c.commands {
		list = append(list, f.Opcode)
	}
	return list
}

// heard counts a command.
func (c *chip) heard(op hci.Opcode) (n int) {
	for _, f := range c.commands {
		if f.Opcode == op {
			n++
		}
	}
	return n
}
