package gap_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/internal/secrettest"
	"github.com/jelling-ble/jelling/smp"
)

// tellKeys is set in the process in which tests of whole hosts run once more, talkative: they print what they see by
// every verb, and write the keys that they stored to the file of that name.
const tellKeys = "GAP_TEST_KEYS"

func talkative() bool { return os.Getenv(tellKeys) != "" }

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

// secrets is the file of the keys.
var secrets struct {
	sync.Mutex
	file *os.File
}

// tellSecrets notes, at the end of the test, the keys that a host has stored.
func tellSecrets(t testing.TB, h *gap.Host) {
	if !talkative() {
		return
	}
	store, identity := h.Bonds(), h.Identity()
	t.Cleanup(func() {
		secrets.Lock()
		defer secrets.Unlock()
		if secrets.file == nil {
			secrets.file, _ = os.Create(os.Getenv(tellKeys))
		}
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
						fmt.Fprintf(secrets.file, "%x\n", l.Key[:])
					}
				}
				if k.PeerIRK != nil {
					fmt.Fprintf(secrets.file, "%x\n", k.PeerIRK[:])
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
	file := t.TempDir() + "/keys"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.v", "-test.run=^Test(Attack|Spoofer|Repaired|Paired)")
	child.Env = append(os.Environ(), tellKeys+"="+file)
	said, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said[max(0, len(said)-2000):])
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	keys := secrettest.Finder{}
	for line := range strings.Lines(string(text)) {
		k, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil || len(k) != 16 {
			t.Fatalf("%q", line)
		}
		keys.Add(k)
	}
	if found := keys.In(said); found != "" {
		t.Errorf("a key was printed: %s", found)
	}
	if len(keys) < 1000 || len(said) < 100_000 {
		t.Errorf("%d parts of keys were looked for in %d octets: the search is for nothing", len(keys), len(said))
	}
}
