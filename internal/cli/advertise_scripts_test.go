package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/hci"
)

// scripts are those of gatt/profile, beside the profiles.
const scripts = "../../gatt/profile/testdata"

// TestAdvertiseByScript plays the scripts of gatt/profile that need no key against the command: by raw PDUs over a controller on a Unix socket, with
// lines on standard input for the values.
func TestAdvertiseByScript(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(scripts, "server.scripts"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := atttest.ParseScenarios(string(text), "profile", "security", "key")
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, s := range all {
		_, key := s.Settings["key"]
		if _, secured := s.Settings["security"]; secured || key {
			continue
		}
		played++
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			profile, err := os.ReadFile(filepath.Join(scripts, s.Settings["profile"]+".json"))
			if err != nil {
				t.Fatal(err)
			}
			d, air, typing := advertiser(t, string(profile))
			d.want("advertising")
			c := connectRaw(t, air, hci.Address{Octets: bench})
			d.want("connected")
			for _, step := range s.Steps {
				c.play(step, typing)
			}
			c.silence()
			c.disconnect()
			d.want("disconnected")
			if status := d.stop(); status != exitInterrupted {
				t.Errorf("status %d: %s", status, d.stderr)
			}
		})
	}
	if played < 180 {
		t.Errorf("%d scripts", played)
	}
}

// play plays one step.
func (c *rawCentral) play(step atttest.Step, typing io.Writer) {
	c.t.Helper()
	switch octets := fmt.Sprintf("%x", step.Octets); step.Verb {
	case atttest.Says:
		c.send(octets)
	case atttest.Hears:
		c.want(octets)
	case atttest.Silence:
		c.silence()
	case "mtu":
		c.ask("02 1700", "03 0002")
	case "notify":
		fmt.Fprintf(typing, "0x%s hex %s\n", step.Words, octets)
		fmt.Fprintln(typing) // which is read when the line before has been seen to
	default:
		c.t.Fatalf("%s: no such step", step.Verb)
	}
}

// silence fails if a PDU comes in a moment. One that comes later is the answer to something else, which is a failure too.
func (c *rawCentral) silence() {
	c.t.Helper()
	const moment = 20 * time.Millisecond
	select {
	case pdu := <-c.pdus:
		c.t.Fatalf("got %x, want nothing", pdu)
	case <-time.After(moment):
	}
}
