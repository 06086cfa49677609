package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/smp/bluez"
	"github.com/jelling-ble/jelling/smp/bondstore"
)

// transfer is what import and export are told.
type transfer struct {
	bluez   string   // BlueZ's folder, "auto" for the usual one, "" for a file of our own
	dryRun  bool     // only tell
	replace bool     // what is there already gives way
	local   string   // the only local identity, "" for all
	repair  []string // peers that are paired again when they have lost their bond
}

const bluezHint = "; 'auto' means " + bluez.Dir

func newBondsImport(e *env) *cobra.Command {
	var c transfer
	cmd := &cobra.Command{
		Use:   "import (FILE | - | --from-bluez DIR)",
		Short: "Take over bonds, from a file of 'bonds export' or from BlueZ",
		Long: `Take over bonds with the identity that they were made with, so that no device need be paired again.

A bond serves the local address that it was made with, and no other. What a peer of BlueZ wants when it has lost
its bond is unknown, so it is reported and not paired again, unless --repair names it. Stop bluetoothd before both
use the same bonds.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, given []string) error { return e.bondsImport(&c, given) },
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&c.bluez, "from-bluez", "", "take the bonds of BlueZ in this folder"+bluezHint)
	cmd.Flags().StringSliceVar(&c.repair, "repair", nil, "pair again with this peer when it has lost its bond; may be given often; 'all' for every one")
	return cmd
}

func (c *transfer) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&c.dryRun, "dry-run", false, "only tell what would be done, and why something would not")
	f.BoolVar(&c.replace, "replace", false, "replace what is there already")
	f.StringVar(&c.local, "local", "", "only the bonds of this local address")
}

// check reads the command line: a file's name, or none with a folder of BlueZ's.
func (c *transfer) check(given []string, flag string) (file string, err error) {
	switch {
	case c.bluez == "auto":
		c.bluez = bluez.Dir
	case c.bluez == "" && len(given) == 0:
		return "", usageError{fmt.Errorf("a FILE, - or %s DIR says where", flag)}
	}
	if c.bluez != "" && len(given) > 0 {
		return "", usageError{fmt.Errorf("%q and %s: one of the two", given[0], flag)}
	}
	if c.local != "" {
		if _, _, err := hci.ParseAddress(c.local); err != nil {
			return "", usageError{fmt.Errorf("--local: %w", err)}
		}
	}
	for _, text := range c.repair {
		if _, _, err := hci.ParseAddress(text); text != "all" && err != nil {
			return "", usageError{fmt.Errorf("--repair: %w", err)}
		}
	}
	if len(given) > 0 {
		file = given[0]
	}
	return file, nil
}

// chosen tells whether a local identity is wanted.
func (c *transfer) chosen(local hci.Address) bool { return c.local == "" || names(c.local, local) }

// repairs tells whether --repair names a peer.
func (c *transfer) repairs(peer hci.Address) bool {
	for _, text := range c.repair {
		if text == "all" || names(text, peer) {
			return true
		}
	}
	return false
}

// names tells whether a text, which was checked, names an address.
func names(text string, a hci.Address) bool {
	n, typed, err := hci.ParseAddress(text)
	return err == nil && n.Octets == a.Octets && (!typed || n.Type == a.Type)
}

// errOtherLocal is why a bond is not taken that --local leaves out.
var errOtherLocal = errors.New("of another local identity than --local")

// candidate is a bond to import, or why it is none.
type candidate struct {
	record smp.Record
	notes  []string
	err    error
}

func (e *env) bondsImport(c *transfer, given []string) error {
	file, err := c.check(given, "--from-bluez")
	if err != nil {
		return err
	}
	var found []candidate
	var who bondstore.Export // the identity alone
	if c.bluez != "" {
		found, who, err = e.fromBluez(c)
	} else {
		found, who, err = e.fromFile(file)
	}
	if err != nil {
		return err
	}
	store, err := e.importStore(c.dryRun)
	if err != nil {
		return err
	}
	defer store.Close()
	i := &importer{e: e, transfer: c, store: store}
	i.identity(who)
	for _, one := range found {
		i.bond(one)
	}
	return errors.Join(i.result(), i.closed())
}

func (e *env) importStore(dryRun bool) (*bondstore.Store, error) {
	if dryRun {
		return e.readStore()
	}
	dir, err := e.stateDirectory()
	if err != nil {
		return nil, err
	}
	return bondstore.Open(dir, e.storeConfig())
}

// fromBluez reads what BlueZ has.
func (e *env) fromBluez(c *transfer) (found []candidate, who bondstore.Export, err error) {
	adapters, err := bluez.Read(c.bluez)
	if err != nil {
		return nil, who, err
	}
	if len(adapters) == 0 {
		return nil, who, fmt.Errorf("%s has no folder of a local address: BlueZ keeps nothing there", c.bluez)
	}
	who.IRKs = map[hci.Address]smp.Key{}
	for _, a := range adapters {
		if c.chosen(a.Local) {
			if a.IRKErr != nil {
				e.log.Warnf("the identity resolving key of %s can't be read: %v", a.Local.Text(), a.IRKErr)
			}
			if a.IRK != nil {
				who.IRKs[a.Local] = *a.IRK
			}
			if a.Local.Type == hci.Random && who.Static.IsZero() {
				who.Static = a.Local
			}
		}
		for _, d := range a.Devices {
			one := candidate{d.Bond.Record, d.Bond.Notes, d.Err}
			one.record.Local, one.record.Peer = a.Local, d.Peer
			found = append(found, one)
		}
	}
	return found, who, nil
}

// fromFile reads an export of ours. Its records keep the wish that they have: it was heard on an encrypted link.
func (e *env) fromFile(file string) (found []candidate, who bondstore.Export, err error) {
	in := e.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, who, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, bondstore.MaxExport+1))
	if err != nil {
		return nil, who, err
	}
	if who, err = bondstore.ParseExport(text); err != nil {
		return nil, who, fmt.Errorf("%s: %w", file, err)
	}
	for _, r := range who.Records {
		found = append(found, candidate{record: r})
	}
	return found, who, nil
}

// importer takes bonds into a store, and tells of each.
type importer struct {
	e     *env
	store *bondstore.Store
	*transfer
	taken, same, refused int
}

// identity takes over who the host was to its peers.
func (i *importer) identity(who bondstore.Export) {
	if a := who.Static; !a.IsZero() && i.chosen(a) {
		i.adopt(a, "static address", false, func() error { return i.store.AdoptStatic(a) })
	}
	byText := func(a, b hci.Address) int { return strings.Compare(a.Text(), b.Text()) }
	for _, local := range slices.SortedFunc(maps.Keys(who.IRKs), byText) {
		if irk := who.IRKs[local]; i.chosen(local) {
			have, known := i.store.KnownIRK(local)
			i.adopt(local, "identity resolving key", known && have == irk, func() error { return i.store.AdoptIRK(local, irk) })
		}
	}
}

func (i *importer) adopt(local hci.Address, what string, same bool, do func() error) {
	action, why := ifElse(same, "same", "import"), ""
	if err := do(); err != nil && (!i.dryRun || !errors.Is(err, bondstore.ErrReadOnly)) {
		action, why = "refuse", err.Error()
		i.refused++
	}
	i.e.out.data(time.Now(), "import", local.String(), fields{
		{"address_type", local.Type.String()}, {"what", what}, {"action", action}, {"why", why}, {"dry_run", i.dryRun},
	}, fmt.Sprintf("%-24s  %-7s  our %s%s", local.Text(), action, what, ifElse(why == "", "", ": "+why)))
}

func (i *importer) bond(one candidate) {
	r := one.record
	if one.err == nil && !i.chosen(r.Local) {
		one.err = errOtherLocal
	}
	action, err := "refuse", one.err
	if err == nil {
		action, err = i.take(r)
	}
	switch {
	case errors.Is(err, bluez.ErrNoKey), errors.Is(err, errOtherLocal):
		action = "skip"
	case err != nil:
		i.refused++
	case action == "same":
		i.same++
	default:
		i.taken++
	}
	why, text := "", levelOf(r)+", "+ifElse(r.Keys.SecureConnections, "Secure Connections", "legacy")
	if !r.Bonded {
		text = "no bond, but what the peer wants"
	}
	if err != nil {
		why, text = err.Error(), err.Error()
	}
	for _, note := range one.notes {
		text += "; " + note
	}
	i.e.out.data(time.Now(), "import", r.Peer.String(), fields{
		{"address_type", r.Peer.Type.String()}, {"local", r.Local.Text()}, {"what", "bond"}, {"action", action}, {"why", why},
		{"level", levelOf(r)}, {"secure_connections", r.Keys.SecureConnections}, {"key_size", r.Keys.KeySize},
		{"on_lost_bond_repair", i.repairs(r.Peer)}, {"notes", append([]string{}, one.notes...)}, {"dry_run", i.dryRun},
	}, fmt.Sprintf("%-24s  %-7s  %s", r.Peer.Text(), action, text))
}

// errOtherKeys is why a bond is not taken over another one.
var errOtherKeys = errors.New("there is a bond with other keys; --replace gives it up")

// take saves a record. What a person has set for the peer stays, and what is known of it.
func (i *importer) take(r smp.Record) (action string, err error) {
	have, known := i.store.Load(r.Local, r.Peer)
	action = "import"
	if known {
		keys := have.Keys
		if r.Keys.Method == "" {
			keys.Method = "" // BlueZ does not keep it
		}
		switch {
		case have.Bonded && r.Bonded && keys.Equal(r.Keys), !have.Bonded && !r.Bonded:
			action, r = "same", have
		case have.Bonded && !i.replace:
			return "refuse", errOtherKeys
		case have.Bonded:
			action = "replace"
		}
		if r.Override.IsZero() {
			r.Override = have.Override
		}
	}
	if i.repairs(r.Peer) {
		repair := smp.LostRepair
		r.Override.LostBond = &repair
	}
	if err := i.store.Save(r); err != nil && (!i.dryRun || !errors.Is(err, bondstore.ErrReadOnly)) {
		return "refuse", err
	}
	return action, nil
}

func (i *importer) result() error {
	if !i.e.out.json {
		fmt.Fprintf(i.e.stderr, "%s%d imported, %d there already, %d refused\n", ifElse(i.dryRun, "nothing was done; it would be: ", ""), i.taken, i.same, i.refused)
	}
	if i.refused > 0 {
		return fmt.Errorf("%d could not be imported", i.refused)
	}
	return nil
}

// closed closes the store; what is in memory only would be lost.
func (i *importer) closed() error {
	if i.dryRun {
		return nil
	}
	return i.store.Close()
}
