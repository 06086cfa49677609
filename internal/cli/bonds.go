package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/smp/bondstore"
)

func newBonds(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bonds",
		Short: "List, show, forget, import and export bonds",
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the bonds; a running host does not mind", Args: args(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return e.bondsList() },
		},
		&cobra.Command{
			Use: "show ADDRESS", Short: "Show what is kept about a peer, but no keys", Args: args(cobra.ExactArgs(1)),
			RunE: func(_ *cobra.Command, given []string) error { return e.bondsShow(given[0]) },
		},
		&cobra.Command{
			Use: "forget ADDRESS", Short: "Forget a peer and its keys, for good", Args: args(cobra.ExactArgs(1)),
			RunE: func(_ *cobra.Command, given []string) error { return e.bondsForget(given[0]) },
		},
		newBondsImport(e),
		newBondsExport(e),
	)
	return cmd
}

// readStore opens the bonds for reading, beside whoever writes them.
func (e *env) readStore() (*bondstore.Store, error) {
	dir, err := e.stateDirectory()
	if err != nil {
		return nil, err
	}
	return bondstore.OpenReadOnly(dir, e.storeConfig())
}

func allRecords(store *bondstore.Store) (all []smp.Record) {
	for _, local := range store.Locals() {
		all = append(all, store.List(local)...)
	}
	return all
}

func (e *env) bondsList() error {
	store, err := e.readStore()
	if err != nil {
		return err
	}
	defer store.Close()
	all := allRecords(store)
	if len(all) == 0 {
		if dir, err := e.stateDirectory(); err == nil {
			fmt.Fprintf(e.stderr, "jelling: no bonds in %s\n", dir)
		}
	}
	for _, r := range all {
		e.out.data(time.Now(), "bond", r.Peer.String(), recordFields(r),
			fmt.Sprintf("%-24s  %s", r.Peer.Text(), recordLine(r)))
	}
	return nil
}

func (e *env) bondsShow(address string) error {
	peer, typed, err := parsePeer(address)
	if err != nil {
		return err
	}
	store, err := e.readStore()
	if err != nil {
		return err
	}
	defer store.Close()
	found, err := matching(store, peer, typed)
	if err != nil {
		return err
	}
	for _, r := range found {
		e.out.data(time.Now(), "bond", r.Peer.String(), recordFields(r), recordText(r))
	}
	return nil
}

func (e *env) bondsForget(address string) error {
	peer, typed, err := parsePeer(address)
	if err != nil {
		return err
	}
	dir, err := e.stateDirectory()
	if err != nil {
		return err
	}
	store, err := bondstore.Open(dir, e.storeConfig())
	if err != nil {
		return err
	}
	defer store.Close()
	found, err := matching(store, peer, typed)
	if err != nil {
		return err
	}
	for _, r := range found {
		if err := errors.Join(store.Delete(r.Local, r.Peer), e.forgetGATT(r.Peer)); err != nil {
			return err
		}
		e.out.event(time.Now(), "forgotten", r.Peer.String(), nil, "forgotten")
	}
	return nil
}

// matching are the records of a peer, under any of our identities.
func matching(store *bondstore.Store, peer hci.Address, typed bool) (found []smp.Record, err error) {
	for _, r := range allRecords(store) {
		if r.Peer.Octets == peer.Octets && (!typed || r.Peer.Type == peer.Type) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no bond with " + peer.String() + "; see 'jelling bonds list'")
	}
	return found, nil
}

// recordFields is what is kept about a peer, but for the keys.
func recordFields(r smp.Record) fields {
	wish := r.Wish
	if wish == "" {
		wish = smp.WishUnknown
	}
	return fields{
		{"address_type", r.Peer.Type.String()}, {"local", r.Local.Text()}, {"bonded", r.Bonded}, {"wish", string(wish)}, {"lost", r.Lost},
		{"level", levelOf(r)}, {"authenticated", r.Keys.Authenticated}, {"secure_connections", r.Keys.SecureConnections},
		{"key_size", r.Keys.KeySize}, {"method", string(r.Keys.Method)}, {"proven", r.Proven}, {"previous_kept", r.Prior != nil},
		{"times_lost", r.History.Lost}, {"times_repaired", r.History.Repaired}, {"times_refused", r.History.Refused},
		{"times_suspect", r.History.Suspect},
	}
}

func levelOf(r smp.Record) string {
	if !r.Bonded {
		return smp.LevelNone.String()
	}
	return r.Keys.Security().Level().String()
}

func recordLine(r smp.Record) string {
	if !r.Bonded {
		return "no bond; the peer's wish is " + string(r.Wish)
	}
	return fmt.Sprintf("bonded, %s, %s%s", levelOf(r), ifElse(r.Keys.SecureConnections, "Secure Connections", "legacy"),
		ifElse(r.Lost, ", LOST by the peer", ""))
}

func recordText(r smp.Record) string {
	var text strings.Builder
	text.WriteString(r.Peer.Text())
	for _, f := range recordFields(r) {
		text.WriteString(fmt.Sprintf("\n  %-20s %v", f.name, f.value))
	}
	return text.String()
}
