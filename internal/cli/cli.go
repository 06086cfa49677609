// Package cli is the jelling command: data on standard output, everything else on standard error; with
// --json one object a line on standard output. It exits with 0, with 1 for a failure, with 2 for a command
// line that makes no sense, and with 130 when interrupted.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/smp/bondstore"
	"github.com/jelling-ble/jelling/transport"
)

// Exit statuses.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// env is what a command runs in: the global flags, parsed, and where its words go.
type env struct {
	out    *output
	log    *logrus.Logger
	stdin  io.Reader
	stderr io.Writer
	getenv func(string) string

	system system

	transport string
	wait      bool
	takeOver  bool
	powerLine string
	stateDir  string
	stateKey  string // where the key to the bonds is, "" for none
	maxBonds  int
	key       *bondstore.StateKey
	timeout   time.Duration
	timeoutOn bool // --timeout was given

	capture       string
	captureFormat transport.CaptureFormat
	captureSize   size
	captureCount  int
	tape          *transport.Capture // what is captured to, nil for nothing

	bonding  smp.Bonding
	lostBond smp.LostBond
	security smp.Level
	pairable smp.Pairable
	person   *person // who is asked while devices pair, nil for nobody
	securing securing

	secureOnly bool
	hide       bool
	bearers    int // enhanced ATT bearers of a link
	minKeySize int // octets, 0 for any

	statsEvery time.Duration // 0 for never
	noHostFlow bool
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errInterrupted is the cause of a context that Ctrl-C ended.
var errInterrupted = errors.New("interrupted")

// repeatedSignal is how long a second signal counts as the first: a terminal, sudo and timeout(1) may each
// pass on the same Ctrl-C.
const repeatedSignal = time.Second

// Main runs the command line and returns the exit status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
			time.Sleep(repeatedSignal)
		case <-ctx.Done():
		}
		signal.Stop(signals) // so that another one ends us at once
	}()
	return run(ctx, args, stdin, stdout, stderr, getenv)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	root := newRoot(stdin, stdout, stderr, getenv)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errInterrupted) || errors.Is(context.Cause(ctx), errInterrupted) {
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "jelling: %s\n", explain(err))
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailure
}

// newRoot builds the command tree.
func newRoot(stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) *cobra.Command {
	e := &env{stdin: stdin, stderr: stderr, getenv: getenv, log: logrus.New(), system: realSystem()}
	e.log.SetOutput(stderr)
	e.log.SetLevel(logrus.WarnLevel)
	e.log.SetFormatter(&logrus.TextFormatter{DisableTimestamp: true})
	var json, verbose bool
	root := &cobra.Command{
		Use:           "jelling",
		Short:         "A Bluetooth LE host that owns its controller and its keys",
		Long:          rootHelp,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          args(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			e.out = newOutput(stdout, stderr, json)
			e.timeoutOn = cmd.Flags().Changed("timeout")
			if verbose {
				e.log.SetLevel(logrus.DebugLevel)
			}
			if e.timeout < 0 {
				return usageError{fmt.Errorf("--timeout %v: want a duration like 30s, or 0 for none", e.timeout)}
			}
			if e.statsEvery < 0 {
				return usageError{fmt.Errorf("--stats %v: want a duration like 10s, or 0 for none", e.statsEvery)}
			}
			if err := e.readStateKey(); err != nil {
				return err
			}
			return e.checkCapture(cmd.Flags().Changed)
		},
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see '%s --help'", err, cmd.CommandPath())}
	})
	f := root.PersistentFlags()
	f.StringVar(&e.transport, "transport", "", "how to reach the controller: user:0, user:ADDRESS, uart:/dev/ttyAMA0?baud=921600, h5:/dev/ttyAMA0, unix:/path, tcp:host:port or virtual: (environment JELLING_TRANSPORT; without it the first free controller)")
	f.BoolVar(&e.wait, "wait", false, "wait for the controller if it is not there yet, and again whenever it was unplugged")
	f.StringVar(&e.powerLine, "power-line", "", "the GPIO line that switches the controller's power, like gpiochip0:BT_ON; used when nothing else gets it back")
	f.BoolVar(&e.takeOver, "take-over", false, "take a controller that bluetoothd uses; it gets it back in the end")
	f.StringVar(&e.stateDir, "state-dir", "", "where bonds are kept (default $STATE_DIRECTORY, else $XDG_STATE_HOME/jelling)")
	f.StringVar(&e.stateKey, "state-key", "", "encrypt the bonds with the key in this file (32 octets, or 64 digits), or in the kernel keyring: keyring:NAME")
	f.IntVar(&e.maxBonds, "max-bonds", 0, "how many peers are kept; a new one takes the place of the least used one that is worth no more (default 4096, and none gives way)")
	f.StringVar(&e.capture, "capture", "", "write every packet to this btsnoop file; it will hold keys")
	f.Var(choice[transport.CaptureFormat]{&e.captureFormat, transport.ParseCaptureFormat, "monitor|h4"}, "capture-format", "what the capture is: monitor (btsnoop 2001, with the log in it) or h4 (btsnoop 1002)")
	f.Var(&e.captureSize, "capture-size", "begin a new capture file after so many octets, as in 10M; the one before is called FILE.1")
	f.IntVar(&e.captureCount, "capture-count", 0, "how many files --capture-size keeps (default 4)")
	f.DurationVar(&e.timeout, "timeout", 0, "for scan its length (default 10s); elsewhere the limit until the link is secured, 0 for none (pair: default 60s)")
	f.Var(choice[smp.Bonding]{&e.bonding, smp.ParseBonding, "follow|always|never"}, "bonding", "when to keep keys: follow the peer's wish, always or never")
	f.Var(choice[smp.LostBond]{&e.lostBond, smp.ParseLostBond, "notify|repair|strict"}, "on-lost-bond", "what to do when a peer has lost its bond")
	f.Var(choice[smp.Level]{&e.security, smp.ParseLevel, "none|encrypted|authenticated|sc"}, "security", "the least security (default: the bond's; without one what the peer asks for and its attributes need)")
	f.Lookup("security").DefValue = "" // it says so itself
	f.BoolVar(&e.secureOnly, "sc-only", false, "Secure Connections only: refuse legacy pairing and its keys")
	f.BoolVar(&e.hide, "privacy", false, "be known on air by private addresses, which change every 15 minutes and which bonded peers alone recognise")
	f.IntVar(&e.bearers, "bearers", 0, "have up to so many enhanced ATT bearers (EATT) with each peer, on an encrypted link, so that requests need not wait for each other")
	f.IntVar(&e.minKeySize, "min-key-size", 0, "refuse keys of fewer octets, 7 to 16 (default 7)")
	f.BoolVar(&e.noHostFlow, "no-host-flow", false, "leave flow control from the controller to the host off, for controllers that have it wrong")
	f.DurationVar(&e.statsEvery, "stats", 0, "print the counters of every layer so often, as in 10s, and once more in the end")
	f.BoolVar(&json, "json", false, "one JSON object a line on standard output")
	f.BoolVarP(&verbose, "verbose", "v", false, "say more on standard error")
	root.AddCommand(newScan(e), newSubscribe(e), newPair(e), newBonds(e), newAdvertise(e), newGATT(e), newL2CAP(e), newAdapters(e), newDoctor(e), newDemo(e))
	return root
}

// version is what this binary was built from, as the Go tool has stamped it, and for what.
func version() string {
	stamp := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		stamp = info.Main.Version
	}
	return fmt.Sprintf("%s, %s, %s/%s", stamp, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

const rootHelp = `Jelling talks to Bluetooth LE peripherals without a system daemon: it takes the controller itself, keeps
the keys itself, and decides by a stated policy what happens when a peer has lost its bond.

Try it without hardware:  jelling demo`

// choice is a flag with a parser and a fixed set of words.
type choice[T fmt.Stringer] struct {
	value *T
	parse func(string) (T, error)
	words string
}

func (c choice[T]) String() string {
	if c.value == nil {
		return ""
	}
	return (*c.value).String()
}

func (c choice[T]) Set(text string) (err error) {
	*c.value, err = c.parse(text)
	return err
}

func (c choice[T]) Type() string { return c.words }

// args wraps a check of positional arguments so that a failure is a usage error that says what is wrong, and how it would be right.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if check(cmd, given) == nil {
			return nil
		}
		if cmd.HasSubCommands() {
			return usageError{fmt.Errorf("no such command: %q; see '%s --help'", given[0], cmd.CommandPath())}
		}
		for i := len(given) - 1; i >= 0; i-- {
			if check(cmd, given[:i]) == nil {
				return usageError{fmt.Errorf("%q is too much; usage: %s", given[i], cmd.UseLine())}
			}
		}
		return usageError{fmt.Errorf("something is missing; usage: %s", cmd.UseLine())}
	}
}
