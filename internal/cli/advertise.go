package cli

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/profile"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

func newAdvertise(e *env) *cobra.Command {
	p, who := &peripheral{env: e}, &person{display: true}
	cmd := &cobra.Command{
		Use:   "advertise --profile FILE",
		Short: "Be a peripheral: advertise, and serve the attributes of a profile file",
		Long: `Advertise makes this host known and serves the GATT database of FILE to whoever connects; after each
connection it advertises again. What clients subscribe to is kept with their bonds. FILE is JSON, as in

  {"name": "Belt", "advertise": {"services": ["180d"]}, "services": [{"id": "hr", "uuid": "heart rate", "characteristics": [
    {"uuid": "2a37", "properties": ["read", "notify"], "value": {"hex": "0048"}},
    {"uuid": "2a38", "properties": ["read"], "value": {"uint8": 1}}]}]}

and docs/profile.md has the whole form.

Lines on standard input change values, and subscribers are told: a characteristic, a form and a value, as in

  hr.2a37 hex 0050
  hr.2a38 uint8 2
  0x0023 text hello

where hr is the id, or the UUID, of the service in FILE; a handle does instead, also a descriptor's. With --json the
events are advertising, connected, read, write, subscribed, unsubscribed, confirmed and disconnected, and those of security.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			e.person = who
			return p.run(cmd.Context())
		},
	}
	who.flags(cmd)
	cmd.Flags().Var(choice[smp.Pairable]{&e.pairable, smp.ParsePairable, "always|off"}, "pairable", "who may pair: anybody, or only who is bonded already")
	cmd.Flags().DurationVar(&p.pairableFor, "pairable-for", 0, "let everybody pair for so long from the start, over a bond too, as a button would")
	cmd.Flags().StringVar(&p.file, "profile", "", "the profile, a JSON file (required)")
	cmd.Flags().BoolVar(&p.once, "once", false, "end after the first connection")
	return cmd
}

// peripheral is one run of the command.
type peripheral struct {
	*env
	file string
	once bool

	pairableFor time.Duration

	profile *profile.Profile
	server  *gatt.Server
	running sync.WaitGroup

	mu      sync.Mutex // guards tellers
	tellers map[*profile.Characteristic]chan []byte

	leave context.CancelCauseFunc // ends the command
}

// errServed ends the command with --once.
var errServed = errors.New("one connection has been served")

// maxToTell is how many values of one characteristic wait for slow subscribers.
const maxToTell = 256

func (p *peripheral) run(ctx context.Context) error {
	if p.file == "" {
		return usageError{errors.New("--profile FILE says what to serve; see 'jelling advertise --help'")}
	}
	if p.pairableFor < 0 {
		return usageError{fmt.Errorf("--pairable-for %v: want a duration like 2m", p.pairableFor)}
	}
	text, err := os.ReadFile(p.file)
	if err != nil {
		return err
	}
	if p.profile, err = profile.Parse(text); err != nil {
		return fmt.Errorf("%s: %w", p.file, err)
	}
	for _, c := range p.profile.Characteristics {
		c.Declared.Subscribed = func(from *gatt.ServerConn, notify, indicate bool) { p.subscribed(c, from, notify, indicate) }
	}
	ctx, p.leave = context.WithCancelCause(ctx)
	defer p.leave(nil)
	h, err := p.openHostFor(ctx, func(h *host) (cfg gap.Config, err error) {
		p.server, err = p.profile.NewServer(gatt.ServerConfig{Store: h.clients, Enhanced: p.bearers > 0, Log: p.log, Observe: p.observe})
		if err != nil {
			err = fmt.Errorf("%s: %w", p.file, err)
		}
		return gap.Config{Server: p.server, MTU: p.profile.MTU, Events: p.report}, err
	})
	if err != nil {
		return err
	}
	defer h.Close()
	h.OpenPairing(p.pairableFor)
	defer p.running.Wait()
	defer p.leave(nil)
	p.begin(ctx)
	if err = p.serve(ctx, h); errors.Is(err, errServed) {
		return nil
	}
	return err
}

// report prints an event of the host. With --once the first connection's end is the command's, also of one that ends
// before Advertise has returned it.
func (p *peripheral) report(event gap.Event) {
	p.env.report(event)
	if _, ended := event.Detail.(gap.Disconnected); ended && p.once {
		p.leave(errServed)
	}
}

// begin starts what changes values.
func (p *peripheral) begin(ctx context.Context) {
	p.tellers = map[*profile.Characteristic]chan []byte{}
	for _, c := range p.profile.Characteristics {
		if c.Every > 0 {
			p.teller(ctx, c)
		}
	}
	go p.readLines(ctx) // ends with standard input, for which nobody waits
}

// serve advertises, and waits for the end of each connection.
func (p *peripheral) serve(ctx context.Context, h *host) error {
	a := p.profile.Advertise
	cfg := gap.AdvertiseConfig{
		Payload:  gap.Payload{Name: p.profile.Name, Appearance: p.profile.Appearance, Services: a.Services, Manufacturer: a.Manufacturer},
		Interval: a.Interval,
		Started: func() {
			p.out.event(time.Now(), "advertising", h.Identity().String(), fields{{"name", p.profile.Name}}, "advertising as "+strconv.Quote(p.profile.Name))
		},
	}
	for {
		c, err := h.Advertise(ctx, cfg)
		if err != nil {
			return err
		}
		p.running.Go(func() { p.secure(ctx, c) })
		select {
		case <-c.Ended():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if p.once {
			return nil
		}
	}
}

// secure asks the central for the security that the profile or the command line wants.
func (p *peripheral) secure(ctx context.Context, c *gap.Conn) {
	level, err := smp.ParseLevel(p.profile.Security)
	if level = max(level, p.security); err != nil || level == smp.LevelNone {
		return
	}
	if err := c.Secure(ctx, level); err != nil && c.Err() == nil && ctx.Err() == nil {
		p.log.Warnf("%v: security was not raised: %v", c.Peer(), err)
	}
}

// peerOf is the central behind a client.
func peerOf(from *gatt.ServerConn) string {
	if c, ok := from.Tag().(*gap.Conn); ok {
		return c.Peer().String()
	}
	return hci.Address{}.String()
}

// observe prints what a client has done with a value: its server's goroutine.
func (p *peripheral) observe(o gatt.Observation) {
	digits := hex.EncodeToString(o.Value)
	p.out.event(time.Now(), o.What.String(), peerOf(o.From), fields{{"handle", o.Handle}, {"uuid", o.UUID.String()}, {"value", digits}},
		fmt.Sprintf("%-9v 0x%04x  %s  %s", o.What, o.Handle, called(o.UUID), valueText(o.UUID, o.Value)))
}

// subscribed prints how a client is subscribed. That the end of its link ends it goes without saying.
func (p *peripheral) subscribed(c *profile.Characteristic, from *gatt.ServerConn, notify, indicate bool) {
	select {
	case <-from.Done():
		return
	default:
	}
	var bits byte
	if notify {
		bits |= 1
	}
	if indicate {
		bits |= 2
	}
	name := ifElse(bits == 0, "unsubscribed", "subscribed")
	handle, uuid := p.server.Handle(c.Declared), c.Declared.UUID
	p.out.event(time.Now(), name, peerOf(from),
		fields{{"handle", handle}, {"uuid", uuid.String()}, {"value", hex.EncodeToString([]byte{bits, 0})}, {"notify", notify}, {"indicate", indicate}},
		fmt.Sprintf("%s 0x%04x  %s", name, handle, called(uuid)))
}

// teller is where values of a characteristic go. A goroutine tells them, and changes the value by itself where the profile says so.
func (p *peripheral) teller(ctx context.Context, c *profile.Characteristic) chan<- []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	values := p.tellers[c]
	if values == nil {
		values = make(chan []byte, maxToTell)
		p.tellers[c] = values
		p.running.Go(func() { p.tell(ctx, c, values) })
	}
	return values
}

func (p *peripheral) tell(ctx context.Context, c *profile.Characteristic, values <-chan []byte) {
	var ticks <-chan time.Time
	if c.Every > 0 {
		ticker := time.NewTicker(c.Every)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for next := 0; ; {
		var value []byte
		select {
		case <-ctx.Done():
			return
		case value = <-values:
		case <-ticks:
			if value = p.server.Value(c.Declared); len(c.Sequence) > 0 {
				value = c.Sequence[next%len(c.Sequence)]
				next++
			}
		}
		if err := p.server.Notify(ctx, c.Declared, value); err != nil && ctx.Err() == nil {
			p.log.Warnf("%s: %v", c.Name(), err)
		}
	}
}

// readLines takes values from standard input.
func (p *peripheral) readLines(ctx context.Context) {
	lines := bufio.NewScanner(p.stdin)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || ctx.Err() != nil {
			continue
		}
		if err := p.setValue(ctx, line); err != nil {
			fmt.Fprintf(p.stderr, "jelling: %v\n", err)
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		fmt.Fprintf(p.stderr, "jelling: standard input: %v\n", err)
	}
}

// setValue sets the value that a line says.
func (p *peripheral) setValue(ctx context.Context, line string) error {
	name, rest, _ := strings.Cut(line, " ")
	form, text, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if form == "" {
		return fmt.Errorf("%q: want a characteristic, a form and a value, as in hr.2a37 hex 0050", line)
	}
	value, err := profile.ParseValue(form, text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c, err := p.find(name)
	if err != nil {
		if handle, notHandle := profile.ParseHandle(name); notHandle == nil && p.server.SetDescriptor(handle, value) == nil {
			return nil
		}
		return err
	}
	if err := p.server.SetValue(c.Declared, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	select {
	case p.teller(ctx, c) <- value:
		return nil
	default:
		return fmt.Errorf("%s: %d values wait for subscribers who are slow: this one is set and not told", name, maxToTell)
	}
}

// find is the characteristic with a name, or with a handle, of its value or its declaration.
func (p *peripheral) find(name string) (*profile.Characteristic, error) {
	handle, err := profile.ParseHandle(name)
	if err != nil {
		return p.profile.Find(name)
	}
	for _, c := range p.profile.Characteristics {
		if h := p.server.Handle(c.Declared); h == handle || h == handle+1 {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no characteristic or descriptor whose value can be set has the handle 0x%04x", handle)
}
