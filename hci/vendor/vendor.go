package vendor

import (
	"context"
	"io/fs"
	"os"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// A Controller sends commands. *driver.Controller is one.
type Controller interface {
	// Do sends a command and returns what Command Complete returns behind its status. A status other than
	// Success is in the error, for errors.As. When ctx ends first the error is ctx's, and the command is
	// given up: the next one goes out at once, and a late answer is not taken for that one's.
	Do(ctx context.Context, cmd hci.Command) (ret []byte, err error)
}

// A Port is the serial line that a controller is on. transport.Serial is one.
type Port interface {
	// Baud returns the line's rate, in bits per second.
	Baud() int
	// SetBaud changes the line's rate once all that was written has left. After an error the rate is what it
	// was. It tells the controller nothing.
	SetBaud(ctx context.Context, baud int) error
	// Discard drops what is received for d: the time in which a chip starts anew or changes its rate.
	Discard(ctx context.Context, d time.Duration) error
}

// A Family is whose vendor commands a controller understands.
type Family string

// The families.
const (
	Auto     Family = "auto"   // to be found out; for Config only
	Broadcom Family = "bcm"    // Broadcom, Cypress, Infineon, Synaptics
	Zephyr   Family = "zephyr" // Zephyr's controller and Nordic's; for Info only
	None     Family = "none"   // no vendor commands are sent
)

// Config is what the bring-up may be told. The zero value works.
type Config struct {
	// Family is what the controller has to be; if empty, Auto. With None it is asked what any controller may be
	// asked, and told nothing. With Broadcom any other is a *FamilyError.
	Family Family
	// Baud is the rate to work at, in bits per second; if zero, the one that the Port has when Start begins.
	// Only Broadcom chips can be told.
	Baud int
	// Files is the root of the file system, with the firmware and the device tree; if nil, the machine's own.
	Files fs.FS
	// Firmware is a folder that is searched for firmware before the system's own, as a path from the root; if
	// empty, there is none such.
	Firmware string
	// Unpatched says to go on, with a warning, when there is no firmware for the chip.
	Unpatched bool
	// Address gives the public address for a Broadcom chip that has none of its own: the same each time, since
	// bonds are bound to it. PiAddress is one. If nil, the chip is left without, and needs a static random one.
	Address func(ctx context.Context) (hci.Address, error)
	// CommandTimeout is how long a command may go without an answer; if zero, 2 s.
	CommandTimeout time.Duration
}

const defaultCommandTimeout = 2 * time.Second

func (c Config) withDefaults() Config {
	if c.Family == "" {
		c.Family = Auto
	}
	if c.Files == nil {
		c.Files = os.DirFS("/")
	}
	if c.CommandTimeout == 0 {
		c.CommandTimeout = defaultCommandTimeout
	}
	return c
}

// Info is what a controller turned out to be.
type Info struct {
	Family  Family
	Version hci.LocalVersion
	// Name is the local name after HCI_Reset, by which Broadcom chips say what they are; empty where there is
	// none.
	Name string
	// Chip is what the chip is, as "BCM43430A1" or "nRF52"; empty where it does not say.
	Chip string
	// Patched tells a Broadcom chip that runs firmware from one that runs its ROM alone.
	Patched bool
	// Firmware is the path of what Start loaded; empty where it loaded nothing.
	Firmware string
	// Controller is the version of a Zephyr controller; zero for others.
	Controller ControllerVersion
	// Address is the identity address that the controller has: its public one, or the static random one that a
	// Zephyr controller brings. If nil it has none that can be used, and the host makes one and keeps it.
	Address *hci.Address
	// Baud is the rate of the Port at the end; 0 without one.
	Baud int
	// Warnings are what did not go as it should and was not needed.
	Warnings []error
}

// session is one run of a procedure.
type session struct {
	Controller
	port Port // nil on a user channel
	cfg  Config
	info Info
}

// Identify asks a controller what it is, without changing anything: neither HCI_Reset nor a rate, an address or
// firmware. The error is an *Error.
func Identify(ctx context.Context, c Controller, cfg Config) (Info, error) {
	s := &session{Controller: c, cfg: cfg.withDefaults()}
	err := s.identify(ctx)
	return s.info, err
}

// Start makes a controller of a chip, whatever state it is in: HCI_Reset, also at other rates than the line's, what
// it is, firmware, address, rate. Afterwards the controller is as after HCI_Reset. The port is nil on a user
// channel, where the kernel has seen to firmware and rate. The error is an *Error, and Info is then what is known
// so far; Start may be called again.
func Start(ctx context.Context, c Controller, port Port, cfg Config) (Info, error) {
	s := &session{Controller: c, port: port, cfg: cfg.withDefaults()}
	err := s.start(ctx)
	if port != nil {
		s.info.Baud = port.Baud()
	}
	return s.info, err
}

func (s *session) start(ctx context.Context) error {
	if s.port != nil && s.cfg.Baud == 0 {
		s.cfg.Baud = s.port.Baud()
	}
	if err := s.contact(ctx); err != nil {
		return err
	}
	if err := s.identify(ctx); err != nil {
		return err
	}
	if s.info.Family != Broadcom {
		if s.port != nil && s.port.Baud() != s.cfg.Baud {
			s.warn("operating rate", &RateError{s.port.Baud(), s.cfg.Baud, errFixedRate})
		}
		return nil
	}
	if err := s.patch(ctx); err != nil {
		return err
	}
	if err := s.giveAddress(ctx); err != nil {
		return err
	}
	return s.operate(ctx)
}

// Stop leaves the controller as whoever comes next expects it: reset, and a Broadcom chip at 115,200 baud. Info is
// what Start returned. The error is an *Error.
func Stop(ctx context.Context, c Controller, port Port, info Info) error {
	s := &session{Controller: c, port: port, cfg: Config{}.withDefaults(), info: info}
	if err := s.reset(ctx); err != nil {
		return err
	}
	if port == nil || info.Family != Broadcom || port.Baud() == romBaud {
		return nil
	}
	return s.setRate(ctx, romBaud)
}
