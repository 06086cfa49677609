package smp

import (
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// resolve finds the record whose IRK made a resolvable private address (Vol 6, Part B, 1.3.2.3). An IRK of
// zeros is none: peers send it to say so. The generation before an unproven one counts too.
func resolve(records []Record, onAir hci.Address) (identity hci.Address, ok bool) {
	for _, r := range records {
		if resolves(r.Keys.PeerIRK, onAir) || r.Prior != nil && resolves(r.Prior.PeerIRK, onAir) {
			return r.Peer, true
		}
	}
	return hci.Address{}, false
}

func resolves(irk *Key, onAir hci.Address) bool {
	return irk != nil && !irk.IsZero() && btcrypto.NewCipher(*irk).Resolves(onAir.Octets)
}
