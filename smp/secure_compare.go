package smp

import (
	"context"

	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// compare is the end of authentication stage 1 of numeric comparison (Vol 3, Part H, 2.3.5.6.2): somebody in the
// middle would have two keys, and two numbers.
func compare(s *pairing) (phase, Reason, error) {
	u, v := byRole(s, s.ourPublic.X(), s.theirPublic.X())
	x, y := byRole(s, s.ourRandom, s.theirRandom)
	number := btcrypto.G2(u, v, x, y) % digits
	person := s.p.delegate
	_, tell, err := askPerson(s, NumericComparisonFailed, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, person.compare(ctx, number)
	})
	return dhKeyChecks, tell, err
}
