package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/transport"
)

func newDoctor(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look for what stands in the way on this machine",
		Long: `Doctor looks at the kernel, this process's capabilities, radio switches, bluetoothd and other systemd units that
interfere, a Raspberry Pi's boot configuration and supply, serial lines and the state folder. It changes nothing. Each
finding is ok, warn or fail, and says what to do; a warning is of what may be wanted. The exit status is 1 if something
fails. --transport and --state-dir say what to look at.

With --json an object has check, status, what, why and remedy.`,
		Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return e.doctor() },
	}
}

// A verdict is how a check went.
type verdict string

const (
	fine    verdict = "ok"
	warning verdict = "warn"
	failure verdict = "fail"
)

// A finding is what a check found.
type finding struct {
	verdict verdict
	what    string // what was found
	why     string // why it matters; empty for what is fine
	remedy  string // what to do, with the command where there is one; may be empty
}

// checks are what doctor looks at, in the order of what depends on what.
var checks = []struct {
	name string
	look func(*env) finding
}{
	{"kernel", (*env).checkKernel},
	{"capability", (*env).checkCapability},
	{"rfkill", (*env).checkRFKill},
	{"bluetoothd", (*env).checkDaemon},
	{"units", (*env).checkUnits},
	{"controllers", (*env).checkControllers},
	{"boot", (*env).checkBoot},
	{"power", (*env).checkPower},
	{"uart", (*env).checkUART},
	{"state", (*env).checkState},
}

func (e *env) doctor() error {
	if text := e.transportText(); text != "" {
		if _, err := transport.ParseSpec(text); err != nil {
			return usageError{err}
		}
	}
	failed := 0
	for _, c := range checks {
		f := c.look(e)
		if f.verdict == failure {
			failed++
		}
		e.printFinding(c.name, f)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(checks))
	}
	return nil
}

// unlessElsewhere is a failure of what only the user channel needs: no more than a warning where --transport names
// another way.
func (e *env) unlessElsewhere() verdict {
	if spec, err := transport.ParseSpec(e.transportText()); err == nil && spec.Kind != transport.User {
		return warning
	}
	return failure
}

func (e *env) printFinding(check string, f finding) {
	e.out.data(time.Now(), "check", "",
		fields{{"check", check}, {"status", string(f.verdict)}, {"what", f.what}, {"why", f.why}, {"remedy", f.remedy}},
		fmt.Sprintf("%-4s  %-11s %s%s", f.verdict, check, f.what, indent(f.why, f.remedy)))
}
