package cli

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/transport"
)

func newAdapters(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "adapters",
		Short: "List the controllers, who has them, and what to do to get them",
		Long: `Adapters lists the kernel's controllers: what each is, who has it, and whether it can be had. If not, it says why
and which command helps. It touches none of them and needs no privilege, but only as root can it name every
program. That there is none is no failure.

With --json an object has name, index, address, bus, state (down, starting, up, held), holder, usable, reason and
remedy.`,
		Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return e.listAdapters() },
	}
}

func (e *env) listAdapters() error {
	all, err := e.system.adapters()
	switch {
	case err != nil && !isWithoutBluetooth(err):
		return err
	case err != nil:
		e.sayNone(plainly(err) + "; " + hintFor(err))
	case len(all) == 0:
		e.sayNone("the kernel has none")
	}
	for _, a := range all {
		e.printAdapter(a, e.system.inspect(a))
	}
	return nil
}

// isWithoutBluetooth tells the errors of a system that has no controllers because it has no Bluetooth.
func isWithoutBluetooth(err error) bool {
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EPROTONOSUPPORT) || errors.Is(err, errors.ErrUnsupported)
}

// sayNone says on standard error why the list is empty.
func (e *env) sayNone(why string) { fmt.Fprintln(e.stderr, "jelling: no controllers: "+why) }

func (e *env) printAdapter(a transport.Adapter, c transport.Condition) {
	var reason, remedy string
	if c.Err != nil {
		reason, remedy = c.Err.Cause, c.Err.Remedy
	}
	who := c.Holder
	if who == "" {
		who = ifElse(c.State == transport.Held, "a program that only root may see", "nobody")
	}
	address := a.SpecByAddress().Address
	text := fmt.Sprintf("%-6s  %s  %-7v  %-8s  %s", a.Name, address, a.Bus, c.State, ifElse(c.Err == nil, "can be had", "can't be had"))
	if c.State != transport.Down {
		text += "; held by " + who
	}
	if c.Err != nil {
		text += indent(reason, remedy)
	}
	e.out.data(time.Now(), "adapter", address,
		fields{{"name", a.Name}, {"index", a.Index}, {"bus", a.Bus.String()}, {"state", string(c.State)}, {"holder", c.Holder},
			{"usable", c.Err == nil}, {"reason", reason}, {"remedy", remedy}}, text)
}

// indent puts lines below a line for people.
func indent(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		if line != "" {
			b.WriteString("\n        " + line)
		}
	}
	return b.String()
}
