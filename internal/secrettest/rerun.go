package secrettest

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// keysFile names, in the environment of a talkative process, the file to which Note writes.
const keysFile = "JELLING_TEST_KEYS"

// Talkative tells whether this is a process that Rerun has started: tests print all that they see.
func Talkative() bool { return os.Getenv(keysFile) != "" }

// noted is that file, in such a process.
var noted struct {
	sync.Mutex
	file *os.File
}

// Note notes a key that is in use, in a talkative process.
func Note(key []byte) {
	if !Talkative() {
		return
	}
	noted.Lock()
	defer noted.Unlock()
	if noted.file == nil {
		noted.file, _ = os.Create(os.Getenv(keysFile))
	}
	fmt.Fprintf(noted.file, "%x\n", key)
}

// Rerun runs tests of the package once more, talkative, in a process of their own, and looks for every key that they note in
// everything that they print. args choose the tests. A search for little in little is a failure too.
func Rerun(t *testing.T, args ...string) {
	t.Helper()
	file := t.TempDir() + "/keys"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], append([]string{"-test.v"}, args...)...)
	child.Env = append(os.Environ(), keysFile+"="+file)
	said, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said[max(0, len(said)-2000):])
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	keys := Finder{}
	for line := range strings.Lines(string(text)) {
		k, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil || len(k) < part {
			t.Fatalf("a key of %d octets was noted, %v", len(k), err)
		}
		keys.Add(k)
	}
	if found := keys.In(said); found != "" {
		t.Errorf("a key was printed: %s", found)
	}
	const fewKeys, littleText = 1000, 100_000
	if len(keys) < fewKeys || len(said) < littleText {
		t.Errorf("%d parts of keys were looked for in %d octets: the search is for nothing", len(keys), len(said))
	}
}
