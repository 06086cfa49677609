package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/transport/virtual"
)

// With --bearers on both sides a link has that many beside the first; a peer that has none is read all the same.
func TestBearers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ theirs, said string }{{"2", "2 enhanced bearers"}, {"0", "the peer takes no enhanced ATT bearers"}} {
		d, air, _ := advertiser(t, strings.Replace(heartFile, `"builtin": false`, `"builtin": true`, 1), "--bearers", c.theirs)
		d.want("advertising")
		where := serveController(t, air.NewController(virtual.ControllerConfig{}))
		stdout, stderr := &lines{}, &lines{}
		args := []string{"gatt", "read", "06:05:04:03:02:01", "2a37", "--bearers", "3", "-v", "--transport", where, "--state-dir", filepath.Join(t.TempDir(), "state")}
		if status := run(t.Context(), args, strings.NewReader(""), stdout, stderr, func(string) string { return "" }); status != exitOK ||
			stdout.String() == "" || !strings.Contains(stderr.String(), c.said) {
			t.Errorf("theirs %s: %d\n%s\n%s", c.theirs, status, stdout, stderr)
		}
	}
	for _, n := range []string{"-1", "33", "many"} {
		stdout, stderr := &lines{}, &lines{}
		args := []string{"gatt", "read", "06:05:04:03:02:01", "2a37", "--bearers", n, "--transport", "virtual:", "--state-dir", filepath.Join(t.TempDir(), "state")}
		if status := run(t.Context(), args, strings.NewReader(""), stdout, stderr, func(string) string { return "" }); status != exitUsage {
			t.Errorf("--bearers %s: %d\n%s", n, status, stderr)
		}
	}
}
