package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/smp/bondstore"
	"github.com/jelling-ble/jelling/transport"
)

// explain makes one line of an error, with a hint that helps where there is one.
func explain(err error) string {
	line := strings.ReplaceAll(err.Error(), "\n", " ")
	if hint := hintFor(err); hint != "" {
		return line + "; " + hint
	}
	return line
}

func hintFor(err error) string {
	var (
		lost   *smp.LostBondError
		level  *smp.LevelError
		wait   *smp.WaitError
		open   *transport.OpenError
		locked *bondstore.LockedError
		unseen *gap.NotSeenError
	)
	switch {
	case errors.Is(err, smp.ErrRefusedWeaker): // which is behind a lost bond or a refusal by us
		return "the bond is kept. To accept less security, forget the bond first: jelling bonds forget " + errorPeer(err)
	case errors.As(err, &wait):
		return "pairing failed too often; it is tried again after that wait"
	case errors.As(err, &level), errors.Is(err, smp.AuthenticationRequirements):
		want := smp.LevelAuthenticated
		if level != nil {
			want = max(want, level.Want)
		}
		return fmt.Sprintf("one of the two has no way to ask a person, or was given its passkey beforehand: at a terminal, 'jelling pair ADDRESS --security %v' asks", want)
	case errors.As(err, &lost):
		return fmt.Sprintf("the bond is kept. If this is your device and it was reset, pair again with 'jelling pair %s --on-lost-bond repair', or forget it with 'jelling bonds forget %s'", lost.Peer, lost.Peer)
	case errors.As(err, &open):
		return open.Remedy
	case errors.Is(err, bondstore.ErrKey):
		return "give the key that the bonds were encrypted with: --state-key FILE, or keyring:NAME"
	case errors.As(err, &locked):
		return "stop the other one, or give this one its own --state-dir"
	case errors.As(err, &unseen):
		return fmt.Sprintf("is the device on, near, and not connected to something else? If it was reset, it is there under another address: look with 'jelling scan', and 'jelling bonds forget %s' before you pair it", unseen.Peer)
	case errors.Is(err, context.DeadlineExceeded):
		return "is the device on, near, and not connected to something else?"
	}
	return ""
}

// errorPeer is the peer that an error is about, for a command line.
func errorPeer(err error) string {
	var (
		lost    *smp.LostBondError
		refused *smp.RefusedError
	)
	switch {
	case errors.As(err, &lost):
		return lost.Peer.String()
	case errors.As(err, &refused):
		return refused.Peer.String()
	}
	return "ADDRESS"
}
