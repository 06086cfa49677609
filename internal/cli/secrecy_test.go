package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/internal/secrettest"
)

// keyDigits are the keys in an export.
var keyDigits = regexp.MustCompile(`"[0-9a-fA-F]{32}"`)

// tellSecrets prints, in a talkative process, what a command said, and notes the keys of the bonds that it left. An export is
// of keys, and not printed.
func tellSecrets(ctx context.Context, r result, getenv func(string) string, args []string) {
	if !secrettest.Talkative() {
		return
	}
	if !slices.Contains(args, "export") {
		fmt.Println(args, r.status, r.stdout, r.stderr)
	}
	export := &lines{}
	list := []string{"bonds", "export", "-"}
	if i := slices.Index(args, "--state-dir"); i >= 0 {
		list = append(list, args[i:i+2]...)
	}
	run(context.WithoutCancel(ctx), list, strings.NewReader(""), export, &lines{}, getenv)
	for _, digits := range keyDigits.FindAllString(export.String(), -1) {
		if key, err := hex.DecodeString(strings.Trim(digits, `"`)); err == nil {
			secrettest.Note(key)
		}
	}
}

// No key is in what commands print, with --json or without, whatever they are told.
func TestNoKeyIsPrinted(t *testing.T) {
	if secrettest.Talkative() {
		return
	}
	secrettest.Rerun(t, "-test.run=^Test")
}
