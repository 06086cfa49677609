package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/smp/bluez"
	"github.com/jelling-ble/jelling/smp/bondstore"
)

func newBondsExport(e *env) *cobra.Command {
	var c transfer
	cmd := &cobra.Command{
		Use:   "export (FILE | - | --to-bluez DIR)",
		Short: "Write all bonds to a file, for 'bonds import', or to BlueZ",
		Long: `Write bonds, with their keys and the identity that they were made with, to a file that only its owner may read, or
into the folder of BlueZ. Bluetoothd reads that when it starts and rewrites it as it likes: stop it first.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, given []string) error { return e.bondsExport(&c, given) },
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&c.bluez, "to-bluez", "", "write the bonds into this folder of BlueZ"+bluezHint)
	return cmd
}

func (e *env) bondsExport(c *transfer, given []string) error {
	file, err := c.check(given, "--to-bluez")
	if err != nil {
		return err
	}
	store, err := e.readStore()
	if err != nil {
		return err
	}
	defer store.Close()
	x := chosenOf(store.Export(), c)
	switch {
	case c.bluez != "":
		return e.toBluez(c, x)
	case c.dryRun:
		return e.tellExport(file, x)
	}
	text, err := x.AppendTo(nil)
	if err != nil {
		return err
	}
	if file == "-" {
		fmt.Fprintf(e.stderr, "jelling: what follows on standard output holds the keys of %d bonds\n", bondCount(x))
		_, err = e.out.stdout.Write(text)
		return err
	}
	if err := writeSecret(file, text, c.replace); err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "jelling: %s holds the keys of %d bonds (mode 0600); show it to nobody who should not have them\n", file, bondCount(x))
	return e.tellExport(file, x)
}

// chosenOf is what --local leaves of an export.
func chosenOf(x bondstore.Export, c *transfer) bondstore.Export {
	y := bondstore.Export{IRKs: map[hci.Address]smp.Key{}}
	if c.chosen(x.Static) {
		y.Static = x.Static
	}
	for local, irk := range x.IRKs {
		if c.chosen(local) {
			y.IRKs[local] = irk
		}
	}
	for _, r := range x.Records {
		if c.chosen(r.Local) {
			y.Records = append(y.Records, r)
		}
	}
	return y
}

func bondCount(x bondstore.Export) (n int) {
	for _, r := range x.Records {
		if r.Bonded {
			n++
		}
	}
	return n
}

// tellExport tells what is in an export, or would be.
func (e *env) tellExport(file string, x bondstore.Export) error {
	for _, r := range x.Records {
		e.out.data(time.Now(), "export", r.Peer.String(), fields{
			{"address_type", r.Peer.Type.String()}, {"local", r.Local.Text()}, {"what", "bond"}, {"action", "export"}, {"path", file},
		}, fmt.Sprintf("%-24s  %s", r.Peer.Text(), recordLine(r)))
	}
	return nil
}

// writeSecret writes a file that only its owner may read, whole or not at all.
func writeSecret(path string, text []byte, replace bool) error {
	if _, err := os.Lstat(path); err == nil && !replace {
		return fmt.Errorf("%s is there already; --replace overwrites it", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".jelling-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && replace {
		err = os.Rename(f.Name(), path)
	} else if err == nil {
		err = os.Link(f.Name(), path) // which overwrites nothing
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = os.Rename(f.Name(), path) // no links on this file system
		}
	}
	_ = os.Remove(f.Name())
	return err
}

// toBluez writes the bonds of every local identity into BlueZ's folder.
func (e *env) toBluez(c *transfer, x bondstore.Export) error {
	if !c.dryRun {
		fmt.Fprintln(e.stderr, "jelling: bluetoothd has to be stopped meanwhile: it reads its bonds only when it starts, and rewrites them")
	}
	refused, written := 0, 0
	for _, local := range locals(x) {
		var irk *smp.Key
		if k, known := x.IRKs[local]; known {
			irk = &k
		}
		steps, err := bluez.Write(c.bluez, local, irk, x.Records, bluez.WriteConfig{DryRun: c.dryRun, Replace: c.replace})
		if err != nil {
			return err
		}
		for _, s := range steps {
			action, why := string(s.Action), ""
			switch {
			case errors.Is(s.Err, bluez.ErrNoKey):
				action, why = "skip", s.Err.Error()
			case s.Err != nil:
				why = s.Err.Error() + ifElse(errors.Is(s.Err, bluez.ErrExists), "; --replace gives them up", "")
				refused++
			case s.Action != bluez.Same:
				written++
			}
			what, a := "bond", s.Peer
			if a.IsZero() {
				what, a = "identity resolving key", s.Local
			}
			e.out.data(time.Now(), "export", a.String(), fields{
				{"address_type", a.Type.String()}, {"local", s.Local.Text()}, {"what", what}, {"action", action}, {"why", why},
				{"path", s.Path}, {"dry_run", c.dryRun},
			}, fmt.Sprintf("%-24s  %-7s  %s", a.Text(), action, ifElse(why == "", s.Path, why)))
		}
	}
	if !e.out.json {
		fmt.Fprintf(e.stderr, "%s%d written, %d refused\n", ifElse(c.dryRun, "nothing was done; it would be: ", ""), written, refused)
	}
	if refused > 0 {
		return fmt.Errorf("%d could not be written", refused)
	}
	return nil
}

// locals are the local identities that have a record, in the order of the records.
func locals(x bondstore.Export) (all []hci.Address) {
	for _, r := range x.Records {
		if len(all) == 0 || all[len(all)-1] != r.Local {
			all = append(all, r.Local)
		}
	}
	return all
}
