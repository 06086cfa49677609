package smp

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/internal/leaktest"
	"github.com/jelling-ble/jelling/internal/secrettest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// talkative tells whether everything is to be printed.
func talkative() bool { return secrettest.Talkative() }

// secretKey notes a key that is in use.
func secretKey(k Key) { secrettest.Note(k[:]) }

// secretsOf notes the keys of a record.
func secretsOf(r Record) {
	for _, k := range []*Keys{&r.Keys, r.Prior} {
		if k == nil {
			continue
		}
		for _, l := range []*LTK{k.SC, k.Local, k.Peer} {
			if l != nil {
				secretKey(l.Key)
			}
		}
		for _, key := range []*Key{k.PeerIRK, k.LocalCSRK, k.PeerCSRK} {
			if key != nil {
				secretKey(*key)
			}
		}
	}
}

// secretPDU notes the key in a PDU.
func secretPDU(pdu []byte) {
	if len(pdu) == 17 && (code(pdu[0]) == codeEncryptionInformation || code(pdu[0]) == codeIdentityInformation || code(pdu[0]) == codeSigningInformation) {
		secretKey(Key(pdu[1:]))
	}
}

// shown is what was printed before, so that it is not again.
var shown sync.Map

// show prints something by every verb and as JSON.
func show(what ...any) {
	if !talkative() {
		return
	}
	for _, w := range what {
		encoded, err := json.Marshal(w)
		text := fmt.Sprintf("%v %+v %#v %s %x %d %q %s %v", w, w, w, w, w, w, w, encoded, err)
		if _, before := shown.LoadOrStore(text, true); !before {
			fmt.Println(text)
		}
	}
}

// talk makes a manager talkative, its log too, and notes its keys in the end.
func talk(t testing.TB, config *Config) {
	if !talkative() {
		return
	}
	if config.Logger == nil {
		config.Logger = logrus.New()
		config.Logger.SetOutput(os.Stdout)
		config.Logger.SetLevel(logrus.TraceLevel)
	}
	if config.Store == nil {
		config.Store = NewMemoryStore()
	}
	store, identity := config.Store, config.Identity
	t.Cleanup(func() {
		for _, r := range store.List(identity) {
			secretsOf(r)
			show(r, r.Keys, store)
		}
	})
}

// TestNoKeyIsPrinted runs all tests of the package once more, talkative, and looks for every key that they used in
// everything that they printed.
func TestNoKeyIsPrinted(t *testing.T) {
	if talkative() || raceEnabled { // the tests are the same without the detector
		return
	}
	secrettest.Rerun(t, "-test.run=^(Test|Example)", "-test.skip=TestMistakesOfOtherStacks|TestTruthTable|TestPolicyNever")
}
