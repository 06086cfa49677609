package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

func newDemo(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "See what happens when a pulse oximeter forgets its key, without hardware",
		Long: `Demo plays four scenes on a virtual radio: a pulse oximeter that asks for no bond, one that is bonded all
the same and forgets, one that wanted its bond, and one that comes back with less security than it had.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return e.demo(cmd.Context()) },
	}
}

// demoLength is how long the demo may take; it takes less.
const demoLength = 30 * time.Second

var errDemoSlow = errors.New("the demo did not come to its end; this is a defect")

// demo plays every scene in turn, and ends with a table of what happened.
func (e *env) demo(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, demoLength, errDemoSlow)
	defer cancel()
	began := time.Now()
	var results []sceneResult
	for _, sc := range scenes {
		st := &stage{env: e, scene: sc, began: began}
		st.sayTitle()
		err := st.play(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("scene %s: %w", sc.name, err)
		}
		results = append(results, st.result())
	}
	e.printResults(results)
	return nil
}

// scene is one story: what the box's policy is, what the oximeter is like, and what happens.
type scene struct {
	name, title string
	policy      smp.Policy
	oximeter    oximeterConfig
	play        func(context.Context, *stage) error
	outcome     string // for the table, when it went as it should
}

const readingsPerVisit = 3

var pace = oximeterConfig{interval: 100 * time.Millisecond, readings: readingsPerVisit}

var scenes = []scene{
	{
		name: "a", title: "The oximeter asks for no bond, and the box follows its wish.",
		policy:   smp.Policy{Bonding: smp.BondFollow},
		oximeter: pace,
		play:     visits(3),
		outcome:  "pairs each time, nothing to lose",
	},
	{
		name: "b", title: "The box always bonds. Then the oximeter forgets its key.",
		policy:   smp.Policy{Bonding: smp.BondAlways},
		oximeter: pace,
		play: func(ctx context.Context, s *stage) error {
			if err := visits(2)(ctx, s); err != nil {
				return err
			}
			s.forget()
			return visits(1)(ctx, s)
		},
		outcome: "repaired on the same link, stream goes on",
	},
	{
		name: "c", title: "The oximeter wanted its bond, and forgets. The policy is to tell.",
		policy:   smp.Policy{Bonding: smp.BondFollow, LostBond: smp.LostNotify},
		oximeter: wantsBond(pace),
		play: func(ctx context.Context, s *stage) error {
			if err := visits(1)(ctx, s); err != nil {
				return err
			}
			s.forget()
			var lost *smp.LostBondError
			if err := visits(1)(ctx, s); !errors.As(err, &lost) {
				return fmt.Errorf("the lost bond was not told of: %w", errOr(err))
			} else {
				s.say("user sees", "jelling: "+explain(err))
			}
			return s.wantBond()
		},
		outcome: "told, disconnected, bond kept",
	},
	{
		name: "d", title: "The oximeter forgets, and comes back with less security than the bond had.",
		policy:   smp.Policy{Bonding: smp.BondFollow, LostBond: smp.LostRepair},
		oximeter: wantsBond(pace),
		play: func(ctx context.Context, s *stage) error {
			if err := visits(1)(ctx, s); err != nil {
				return err
			}
			s.forget()
			if err := s.replaceOximeter(ctx, legacy(wantsBond(pace))); err != nil {
				return err
			}
			if err := visits(1)(ctx, s); !errors.Is(err, smp.ErrRefusedWeaker) {
				return fmt.Errorf("the weaker pairing was not refused: %w", errOr(err))
			}
			return s.wantBond()
		},
		outcome: "weaker repair refused, bond kept",
	},
}

func wantsBond(c oximeterConfig) oximeterConfig { c.wantsBond = true; return c }
func legacy(c oximeterConfig) oximeterConfig    { c.legacy = true; return c }

func errOr(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

// stage is where a scene plays: an air, the box and the oximeter.
type stage struct {
	*env
	scene
	began time.Time

	air        *virtual.Air
	controller *virtual.Controller // the oximeter's
	meter      *oximeter
	box        *gap.Host
	bonds      *smp.MemoryStore

	asked  chan struct{} // the oximeter has asked for security
	ended  chan struct{} // a connection's end has been told
	mu     sync.Mutex    // guards the counts, which the events' goroutine makes
	counts map[string]int
}

// play sets the stage, plays the scene and clears the stage.
func (s *stage) play(ctx context.Context) (err error) {
	s.counts, s.ended = make(map[string]int), make(chan struct{}, 1)
	s.asked = make(chan struct{}, 1)
	s.air = virtual.NewAir(virtual.AirConfig{Instant: true})
	defer s.air.Close()
	s.controller = s.air.NewController(virtual.ControllerConfig{Name: "oximeter", Address: oximeterAddress})
	if s.meter, err = wakeOximeter(ctx, s.controller, smp.NewMemoryStore(), s.scene.oximeter); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.meter.Close()) }()
	s.bonds = smp.NewMemoryStore()
	s.box, err = gap.Open(ctx, s.air.NewController(virtual.ControllerConfig{Name: "box"}).Conn(), gap.Config{
		Security: smp.Config{Policy: s.policy, Store: s.bonds}, Events: s.report, Logger: s.log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.box.Close()) }() // and with it the last events are told
	return s.scene.play(ctx, s)
}

// visits has the box connect so many times, each until the oximeter has told its readings.
func visits(n int) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		for range n {
			if err := s.visit(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// visit is one connection, from its beginning until its end has been told of.
func (s *stage) visit(ctx context.Context) error {
	select {
	case <-s.asked: // of the visit before
	default:
	}
	err := s.watch(ctx)
	select {
	case <-s.ended:
	case <-ctx.Done():
	}
	return err
}

// patience is how long the box waits for the oximeter to ask for security.
const patience = time.Second

func (s *stage) watch(ctx context.Context) error {
	c, err := s.box.Connect(ctx, hci.Address{Octets: oximeterAddress}, gap.ConnectConfig{})
	if err != nil {
		return err
	}
	defer c.Disconnect(hci.RemoteUserTerminatedConnection)
	if !c.Security().Encrypted { // it asks at once, and a box that pairs before it has heard that does not know its wish
		select {
		case <-s.asked:
		case <-c.Done():
		case <-ctx.Done():
		case <-time.After(patience):
		}
	}
	found, err := c.Client().FindCharacteristics(ctx, gatt.PLXContinuousMeasurement)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("the oximeter has no readings")
	}
	sub, err := c.Client().Subscribe(ctx, found[0], func(value []byte) { s.reading(c, found[0], value) })
	if err != nil {
		return err
	}
	select {
	case <-sub.Done():
		return nil // the oximeter has disconnected
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// forget has the oximeter lose its keys.
func (s *stage) forget() {
	s.meter.forget()
	s.say("oximeter", "loses its battery, and with it every key")
}

// replaceOximeter switches the oximeter off and one with the same address on.
func (s *stage) replaceOximeter(ctx context.Context, cfg oximeterConfig) (err error) {
	if err := s.meter.Close(); err != nil {
		return err
	}
	s.meter, err = wakeOximeter(ctx, s.controller, smp.NewMemoryStore(), cfg)
	return err
}

// wantBond checks that the box still has its bond.
func (s *stage) wantBond() error {
	record, ok := s.bonds.Load(s.box.Identity(), hci.Address{Octets: oximeterAddress})
	if !ok || !record.Bonded {
		return errors.New("the bond is gone")
	}
	s.say("box", fmt.Sprintf("still has the bond: %s", recordLine(record)))
	return nil
}

func (s *stage) count(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[name]++
}

// report tells of an event of the box.
func (s *stage) report(e gap.Event) {
	name, f, text := describe(e.Detail)
	if name == "" {
		return
	}
	s.count(name)
	if d, ok := e.Detail.(gap.Encrypted); ok {
		s.count("encrypted " + ifElse(d.Stored, "stored", "new"))
	}
	s.line(e.Time, name, e.Peer.String(), f, speaker(e.Detail), text)
	switch name {
	case "security_request":
		select {
		case s.asked <- struct{}{}:
		default:
		}
	case "disconnected":
		s.ended <- struct{}{}
	}
}

// speaker is who does what an event tells of.
func speaker(detail any) string {
	switch detail.(type) {
	case gap.SecurityRequested, gap.BondLost:
		return "oximeter"
	case gap.Disconnected, gap.Connected:
		return "link"
	}
	return "box"
}

func (s *stage) reading(c *gap.Conn, ch gatt.RemoteCharacteristic, value []byte) {
	s.count("value")
	spo2, pulse, _ := readPLX(value)
	s.line(time.Now(), "value", c.Peer().String(), fields{{"uuid", ch.UUID.String()}, {"handle", ch.ValueHandle}, {"value", fmt.Sprintf("%x", value)}},
		"oximeter", fmt.Sprintf("SpO2 %d %%, pulse %d/min", spo2, pulse))
}

// say adds a line of the stage's own.
func (s *stage) say(who, text string) {
	s.line(time.Now(), "note", hci.Address{Octets: oximeterAddress}.String(), fields{{"who", who}, {"text", text}}, who, text)
}

// line is one line of the timeline.
func (s *stage) line(at time.Time, event, address string, f fields, who, text string) {
	s.out.data(at, event, address, append(f, field{"scene", s.name}),
		fmt.Sprintf("%7.3f s  %-10s %s", at.Sub(s.began).Seconds(), who, text))
}

func (s *stage) sayTitle() {
	policy := fmt.Sprintf("--bonding %v --on-lost-bond %v", s.policy.Bonding, s.policy.LostBond)
	s.out.data(time.Now(), "scene", hci.Address{Octets: oximeterAddress}.String(), fields{{"scene", s.name}, {"title", s.title}, {"policy", policy}},
		fmt.Sprintf("\n(%s) %s\n    %s\n", s.name, s.title, policy))
}

// sceneResult is a scene's line in the table.
type sceneResult struct {
	scene                                      string
	connections, pairings, stored, lost, fixed int
	values                                     int
	outcome                                    string
}

func (s *stage) result() sceneResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sceneResult{s.name, s.counts["connected"], s.counts["paired"], s.counts["encrypted stored"], s.counts["bond_lost"],
		s.counts["repaired"], s.counts["value"], s.outcome}
}

func (e *env) printResults(results []sceneResult) {
	if e.out.json {
		for _, r := range results {
			e.out.data(time.Now(), "result", hci.Address{Octets: oximeterAddress}.String(), fields{{"scene", r.scene}, {"connections", r.connections},
				{"pairings", r.pairings}, {"stored_key_used", r.stored}, {"bonds_lost", r.lost}, {"repaired", r.fixed}, {"values", r.values}, {"outcome", r.outcome}}, "")
		}
		return
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nscene\tconnections\tpairings\tstored key used\tbonds lost\trepaired\treadings\toutcome")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", r.scene, r.connections, r.pairings, r.stored, r.lost, r.fixed, r.values, r.outcome)
	}
	_ = w.Flush() // to memory
	_, _ = io.WriteString(e.out.stdout, table.String())
}
