package cli

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// report prints an event of the host.
func (e *env) report(event gap.Event) {
	e.securing.note(event.Detail)
	if d, ok := event.Detail.(gap.Decided); ok { // for whoever wants to know why; what follows from it is an event
		e.log.Debugf("%v: %s: %s, since %s", event.Peer, d.Happened, d.Action, d.Why)
	}
	name, f, text := describe(event.Detail)
	if name != "" {
		e.tape.Note(event.Peer.String() + " " + text)
		e.out.event(event.Time, name, event.Peer.String(), f, text)
	}
}

// describe is an event's name and fields, and a line for people.
func describe(detail any) (name string, f fields, text string) {
	switch d := detail.(type) {
	case gap.Connected:
		return "connected", fields{{"role", d.Role.String()}, {"on_air", d.OnAir.Text()}}, "connected"
	case gap.Disconnected:
		status, reason := reasonOf(d.Err)
		return "disconnected", fields{{"status", status}, {"reason", reason}}, "disconnected: " + reason
	case gap.Retry:
		return "retry", fields{{"attempt", d.Attempt}, {"delay_ms", d.Delay.Milliseconds()}, {"error", d.Err.Error()}},
			fmt.Sprintf("attempt %d in %.1f s: %v", d.Attempt, d.Delay.Seconds(), d.Err)
	case gap.SecurityRequested:
		return "security_request", fields{{"bonding", d.Bonding}, {"mitm", d.MITM}, {"secure_connections", d.SecureConnections}},
			"asks for security, " + ifElse(d.Bonding, "with a bond", "without a bond")
	case gap.Encrypted:
		key := ifElse(d.Stored, "stored", "new")
		return "encrypted", fields{{"key", key}, {"level", d.Security.Level().String()}, {"key_size", d.Security.KeySize}},
			fmt.Sprintf("encrypted with the %s key", key)
	case gap.Paired:
		return "paired", fields{{"method", string(d.Method)}, {"bonded", d.Bonded}, {"secure_connections", d.SecureConnections},
				{"authenticated", d.Authenticated}, {"key_size", d.KeySize}},
			fmt.Sprintf("paired by %s, %s, %s%s", d.Method, ifElse(d.SecureConnections, "Secure Connections", "legacy"),
				ifElse(d.Bonded, "bonded", "no bond"), ifElse(d.Debug, ", WITH DEBUG KEYS", ""))
	case gap.BondLost:
		return "bond_lost", fields{{"status", int(d.Status)}, {"reason", d.Status.String()}, {"action", string(d.Action)}, {"why", string(d.Why)}},
			fmt.Sprintf("has lost its bond (%v): %v, since %v", d.Status.Error(), d.Action, d.Why)
	case gap.BondSuspect:
		return "bond_suspect", fields{{"status", int(d.Status)}, {"reason", d.Status.String()}, {"in_a_row", d.InARow}},
			fmt.Sprintf("encryption failed %d times in a row: %v; the bond is kept", d.InARow, d.Status.Error())
	case gap.Repaired:
		return "repaired", fields{{"bonded", d.Record.Bonded}}, "repaired: paired again, no weaker than before"
	case gap.RepairRefused:
		return "repair_refused", fields{{"why", string(d.Why)}}, fmt.Sprintf("pairing again refused: %v; the bond is kept", d.Why)
	case gap.PairingFailed:
		return "pairing_failed", fields{{"reason", pairingReason(d)}, {"by_peer", d.ByPeer}, {"error", errorText(d.Err)}}, "pairing failed: " + pairingText(d)
	case gap.NotSeen:
		since, text := any(nil), "not seen under its identity since this host began"
		if !d.Since.IsZero() {
			since, text = d.Since.Format(time.RFC3339Nano), "not seen under its identity since "+d.Since.Format(time.DateTime)
		}
		return "not_seen", fields{{"since", since}}, text + "; if it lost its bond, it is back as a stranger"
	case gap.ControllerLost:
		return "controller_lost", fields{{"error", d.Err.Error()}}, fmt.Sprintf("%v", d.Err)
	case gap.ControllerRecovered:
		return "controller_recovered", fields{{"rung", d.Rung}, {"attempt", d.Attempt}}, fmt.Sprintf("the controller is back (%s, attempt %d)", d.Rung, d.Attempt)
	case gap.StoreFailed:
		return "store_failed", fields{{"error", d.Err.Error()}}, fmt.Sprintf("WARNING: the bond is in memory only: %v", d.Err)
	}
	return "", nil, ""
}

// pairingReason names why a pairing failed: the Security Manager's reason, a time-out, or the link's end.
func pairingReason(d gap.PairingFailed) string {
	switch {
	case d.Reason != 0:
		return d.Reason.String()
	case errors.Is(d.Err, smp.ErrTimeout):
		return "timeout"
	case errors.Is(d.Err, net.ErrClosed):
		return "disconnected"
	}
	return "unknown"
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// pairingText is who ended a pairing and why, or what ended it where nobody said.
func pairingText(d gap.PairingFailed) string {
	if d.Reason == 0 {
		return errorText(d.Err)
	}
	return d.Reason.Error() + ifElse(d.ByPeer, ", says the peer", "")
}

// reasonOf is a disconnection's status, -1 where the controller gave none, and its name.
func reasonOf(err error) (status int, reason string) {
	var s hci.Status
	if errors.As(err, &s) {
		return int(s), s.String()
	}
	return -1, err.Error()
}

func ifElse(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

// eventNames lists what describe can say, for the help.
var eventNames = strings.Join([]string{"connected", "security_request", "paired", "encrypted", "bond_lost", "repaired", "value", "disconnected", "retry"}, ", ")
