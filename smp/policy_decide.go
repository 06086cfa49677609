package smp

import "github.com/jelling-ble/jelling/hci"

// Happened is what the policy is asked about.
type Happened string

const (
	Wanted       Happened = "wanted"        // as central: a level, by the application or by the peer's Security Request
	KeyMissing   Happened = "key missing"   // encryption with the bond's key ended with 0x06
	KeyFailed    Happened = "key failed"    // encryption with the bond's key ended with 0x3D or 0x05
	LinkFailed   Happened = "link failed"   // encryption with the bond's key ended with any other status
	PairingAsked Happened = "pairing asked" // as peripheral: a Pairing Request
)

// HappenedBy sorts the statuses by which encryption with a bond's key can end: 0x06 alone means that the bond
// is lost. They come as the status of Encryption Change or Key Refresh, or as the reason of a disconnection.
func HappenedBy(status hci.Status) Happened {
	switch status {
	case hci.PINOrKeyMissing:
		return KeyMissing
	case hci.ConnectionTerminatedMICFailure, hci.AuthenticationFailure:
		return KeyFailed
	}
	return LinkFailed
}

// BondKind is what the record says about its key.
type BondKind string

const (
	NoBond              BondKind = "none"
	UnauthenticatedBond BondKind = "unauthenticated"
	AuthenticatedBond   BondKind = "authenticated"
)

// SuspectAfter is how often in a row encryption with a bond's key may end with 0x3D or 0x05.
const SuspectAfter = 3

// Situation is everything that the policy looks at. It holds nothing that an unencrypted peer has just said:
// Wish is the one in the record.
type Situation struct {
	Happened Happened

	// The record.
	Bond  BondKind
	Wish  Wish // of the record; "" is unknown
	NoKey bool // the bond has no key for our role
	Other bool // the key is unproven, and the other generation has not been tried on this link
	Often bool // KeyFailed, SuspectAfter times in a row

	// The policy, and what we can do.
	LostBond LostBond
	Closed   bool // strangers may not pair
	Ask      bool // strangers may pair if a person says yes
	Open     bool // everybody may pair now
	Weaker   bool // the best that we can do is weaker than the bond, and may not be
	Short    bool // the best that we can do is not what is wanted
	Waiting  bool // too many pairings with this peer have failed
	Consent  bool // a person has said yes

	// The link.
	Enough    bool // has what is wanted
	Encrypted bool // with the bond's key
	Dead      bool // no key of the bond is left to try on this link
	Repaired  bool // a lost bond was paired again on this link, or that was tried
	Gone      bool
}

// Action is what the policy decides to do.
type Action string

const (
	Nothing         Action = "nothing"
	Encrypt         Action = "encrypt"
	Pair            Action = "pair"
	PairAgain       Action = "pair again"
	WaitAndRetry    Action = "wait and retry"
	RefuseAndReport Action = "refuse and report"
)

// Why is the reason for a Decision, a short phrase that a person can read.
type Why string

const (
	WhyEnough          Why = "the link is secure enough"
	WhyStoredKey       Why = "there is a stored key"
	WhyDeadKey         Why = "the key has failed on this link"
	WhyNoBond          Why = "there is no bond"
	WhyRaise           Why = "the stored key is not enough"
	WhyShort           Why = "no method gives what is wanted"
	WhyOther           Why = "the other generation of an unproven key is tried once"
	WhyStrict          Why = "the policy is strict"
	WhyAuthenticated   Why = "the bond is authenticated"
	WhyWishBond        Why = "the peer wanted its bond"
	WhyWishUnknown     Why = "the peer's wish is unknown"
	WhyWishNone        Why = "the peer wants no bond"
	WhyRepair          Why = "the policy is repair"
	WhyRepairedBefore  Why = "one repair for each link"
	WhyWeaker          Why = "pairing would be weaker than the bond"
	WhyNoConsent       Why = "nobody consents"
	WhyConsent         Why = "a person consents"
	WhyWaiting         Why = "too many pairings have failed"
	WhyGone            Why = "the link is gone, the next one may pair again"
	WhyNotLost         Why = "the bond is not lost by this"
	WhyOften           Why = "failed several times in a row"
	WhyClosed          Why = "not pairable"
	WhyOpen            Why = "pairing is open to all"
	WhyEncryptedByBond Why = "the link is encrypted with the bond"
)

// Decision is what to do and why.
type Decision struct {
	Action Action
	Why    Why
}

// Decide is the policy. It is a pure function; its truth table is in the documentation of the package.
func Decide(s Situation) Decision {
	switch s.Happened {
	case Wanted:
		return wanted(s)
	case KeyMissing:
		return keyMissing(s)
	case KeyFailed:
		return keyFailed(s)
	case PairingAsked:
		return pairingAsked(s)
	}
	return Decision{WaitAndRetry, WhyNotLost}
}

func wanted(s Situation) Decision {
	bond := s.Bond != NoBond
	switch {
	case s.Enough:
		return Decision{Nothing, WhyEnough}
	case bond && s.Dead:
		return Decision{RefuseAndReport, WhyDeadKey}
	case bond && s.NoKey && !s.Encrypted: // pairing would replace a bond of whoever has this address
		s.Other = false
		return keyMissing(s)
	case bond && !s.Encrypted:
		return Decision{Encrypt, WhyStoredKey}
	case bond && s.Weaker:
		return Decision{RefuseAndReport, WhyWeaker}
	case s.Short:
		return Decision{RefuseAndReport, WhyShort}
	case s.Waiting:
		return Decision{WaitAndRetry, WhyWaiting}
	case bond:
		return Decision{PairAgain, WhyRaise}
	}
	return Decision{Pair, WhyNoBond}
}

// keyMissing first asks whether the policy wants to pair again at all, then whether it can.
func keyMissing(s Situation) Decision {
	switch {
	case s.Bond == NoBond:
		return Decision{RefuseAndReport, WhyNoBond}
	case s.Other && s.Gone:
		return Decision{WaitAndRetry, WhyOther}
	case s.Other:
		return Decision{Encrypt, WhyOther}
	case s.LostBond == LostStrict:
		return Decision{RefuseAndReport, WhyStrict}
	case s.LostBond != LostRepair && s.Bond == AuthenticatedBond:
		return Decision{RefuseAndReport, WhyAuthenticated}
	case s.LostBond != LostRepair && s.Wish == WishBond:
		return Decision{RefuseAndReport, WhyWishBond}
	case s.LostBond != LostRepair && s.Wish != WishNone:
		return Decision{RefuseAndReport, WhyWishUnknown}
	case s.Repaired:
		return Decision{RefuseAndReport, WhyRepairedBefore}
	case s.Weaker:
		return Decision{RefuseAndReport, WhyWeaker}
	case s.Bond == AuthenticatedBond && !s.Consent:
		return Decision{RefuseAndReport, WhyNoConsent}
	case s.Gone:
		return Decision{WaitAndRetry, WhyGone}
	case s.Waiting:
		return Decision{WaitAndRetry, WhyWaiting}
	case s.Wish == WishNone && s.Bond == UnauthenticatedBond:
		return Decision{PairAgain, WhyWishNone}
	}
	return Decision{PairAgain, WhyRepair}
}

func keyFailed(s Situation) Decision {
	switch {
	case s.Often:
		return Decision{RefuseAndReport, WhyOften}
	case s.Other:
		return Decision{WaitAndRetry, WhyOther}
	}
	return Decision{WaitAndRetry, WhyNotLost}
}

func pairingAsked(s Situation) Decision {
	bond := s.Bond != NoBond
	switch {
	case !bond && s.Closed && !s.Open:
		return Decision{RefuseAndReport, WhyClosed}
	case bond && s.Weaker:
		return Decision{RefuseAndReport, WhyWeaker}
	case s.Waiting:
		return Decision{WaitAndRetry, WhyWaiting}
	case !bond && s.Ask && !s.Open && !s.Consent:
		return Decision{RefuseAndReport, WhyNoConsent}
	case !bond:
		return Decision{Pair, WhyNoBond}
	case s.Encrypted:
		return Decision{PairAgain, WhyEncryptedByBond}
	case s.Open:
		return Decision{PairAgain, WhyOpen}
	case !s.Consent:
		return Decision{RefuseAndReport, WhyNoConsent}
	}
	return Decision{PairAgain, WhyConsent}
}
