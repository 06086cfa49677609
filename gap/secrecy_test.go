package gap_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/internal/secrettest"
	"github.com/jelling-ble/jelling/smp"
)

// talkative tells whether everything is to be printed.
func talkative() bool { return secrettest.Talkative() }

// talkativeLog is the hosts' log, nil for silence.
func talkativeLog() *logrus.Logger {
	if !talkative() {
		return nil
	}
	log := logrus.New()
	log.SetOutput(os.Stdout)
	log.SetLevel(logrus.TraceLevel)
	return log
}

// show prints something by every verb and as JSON.
func show(w any) {
	if talkative() {
		text, err := json.Marshal(w)
		fmt.Printf("%v %+v %#v %s %x %d %q %s %v\n", w, w, w, w, w, w, w, text, err)
	}
}

// tellSecrets notes, at the end of the test, the keys that a host has stored.
func tellSecrets(t testing.TB, h *gap.Host) {
	if !talkative() {
		return
	}
	store, identity := h.Bonds(), h.Identity()
	t.Cleanup(func() {
		show(store)
		show(h.Security())
		for _, r := range store.List(identity) {
			show(r)
			for _, k := range []*smp.Keys{&r.Keys, r.Prior} {
				if k == nil {
					continue
				}
				for _, l := range []*smp.LTK{k.SC, k.Local, k.Peer} {
					if l != nil {
						secrettest.Note(l.Key[:])
					}
				}
				if k.PeerIRK != nil {
					secrettest.Note(k.PeerIRK[:])
				}
			}
		}
	})
}

// No key is in anything that whole hosts print or log, whatever happens to them.
func TestNoKeyIsPrinted(t *testing.T) {
	if talkative() {
		return
	}
	secrettest.Rerun(t, "-test.run=^Test(Attack|Spoofer|Repaired|Paired)")
}
