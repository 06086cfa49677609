package cli

import (
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/smp/bondstore"
)

// readStateKey reads the key that --state-key names.
func (e *env) readStateKey() (err error) {
	if e.maxBonds < 0 {
		return usageError{fmt.Errorf("--max-bonds %d: want a number of peers, or 0 for as many as can be", e.maxBonds)}
	}
	if e.stateKey != "" {
		e.key, err = bondstore.ReadStateKey(e.stateKey)
	}
	return err
}

func (e *env) storeConfig() bondstore.Config {
	return bondstore.Config{Log: e.log, Key: e.key, MaxBonds: e.maxBonds, Evicted: e.evicted}
}

// evicted tells of a record that gave way to another. What GATT keeps of that peer goes with it.
func (e *env) evicted(gone, to smp.Record) {
	if err := e.forgetGATT(gone.Peer); err != nil {
		e.log.Warnf("%s was evicted: %v", gone.Peer.Text(), err)
	}
	e.out.event(time.Now(), "evicted", gone.Peer.String(), fields{
		{"address_type", gone.Peer.Type.String()}, {"local", gone.Local.Text()}, {"bonded", gone.Bonded}, {"level", levelOf(gone)}, {"for", to.Peer.Text()},
	}, "evicted: "+to.Peer.Text()+" is new, and --max-bonds is reached")
}
