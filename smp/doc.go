// Package smp is the Security Manager (Vol 3, Part H): pairing, key distribution, the bond record and the
// policy that decides what happens when a peer has lost its bond.
//
// A [Manager] is what the connections of a host share. Each connection has a [Session], which is fed by the
// goroutine that reads the controller and asked for a [Level] by whoever wants one: never for pairing. Whether
// that takes encryption with a stored key, a pairing, or neither, is for [Decide] to say.
//
// # Supported
//
//	supported                                        not supported
//	-----------------------------------------------  ------------------------------------------------
//	both roles, legacy and Secure Connections        keys of BR/EDR (CTKD): parsed, never agreed to
//	Just Works, passkey, numeric comparison          BR/EDR pairing
//	out of band: data made on demand, used once      the format of out of band data on a tag
//	all I/O capabilities, keypress notifications     keypresses that give the peer more time
//	LTK, IRK and identity address, CSRK distributed
//	signatures with counters, made and checked
//	key sizes of 7 to 16 octets, least levels, Secure Connections only
//	debug keys, by choice: marked, never stored
//	bonding by what both sides want, or always, or never
//	lost bonds, two generations of keys, Repeated Attempts
//	private addresses resolved with the bonds' IRKs, and made with our own
//
// # Pairing
//
// One pairing runs from the Pairing Request to the last key, in either role, as straight-line code:
//
//	Phase 1             requestFeatures (initiator) | answerFeatures (responder)
//	                                 |
//	                   legacy -------+------- Secure Connections
//	                     |                             |
//	Phase 2              |                         publicKeys
//	                     |                             |
//	               temporaryKey                        +--- Just Works: confirmOnce
//	                     |                             +--- numeric comparison: confirmOnce, compare
//	                     |                             +--- passkey entry: passkeyRounds
//	                     |                             +--- out of band: outOfBandConfirm
//	                     |                             |
//	               legacyConfirm                  dhKeyChecks
//	                     | STK                         | LTK
//	                     +-----------+-----------------+
//	                                 |
//	                              encrypt
//	                                 |
//	Phase 3                      distribute  responder's keys, then the initiator's
//
// (Vol 3, Part H, 2.1 and Appendix C). From everywhere else a Pairing Failed, sent or received, 30 s of silence or
// the end of the link leads out.
//
// # People
//
// What takes a person is asked of the host's [Delegate]: to show a passkey, to enter one, to compare a number, to let
// somebody pair. Without one a host is [Headless]. A key that anybody could be in the middle of counts as not
// authenticated: by Just Works, by a passkey that is fixed, by debug keys. A peer's wish for protection that nobody can
// give falls to Just Works; our own fails the pairing.
//
// # Policy
//
// The first row that holds decides. A condition is a field of [Situation]; plain is a link that is not
// encrypted with the bond, and an empty condition always holds. What the peer says on a link that is not
// encrypted is nowhere in it.
//
//	what happened | when                       | then              | why
//	--------------|----------------------------|-------------------|------------------------------------------------------
//	wanted        | enough                     | nothing           | the link is secure enough
//	wanted        | bond, dead                 | refuse and report | the key has failed on this link
//	wanted        | bond, no key, plain        | as key missing    |
//	wanted        | bond, plain                | encrypt           | there is a stored key
//	wanted        | bond, weaker               | refuse and report | pairing would be weaker than the bond
//	wanted        | short                      | refuse and report | no method gives what is wanted
//	wanted        | waiting                    | wait and retry    | too many pairings have failed
//	wanted        | bond                       | pair again        | the stored key is not enough
//	wanted        |                            | pair              | there is no bond
//	key missing   | no bond                    | refuse and report | there is no bond
//	key missing   | other, gone                | wait and retry    | the other generation of an unproven key is tried once
//	key missing   | other                      | encrypt           | the other generation of an unproven key is tried once
//	key missing   | strict                     | refuse and report | the policy is strict
//	key missing   | notify, authenticated      | refuse and report | the bond is authenticated
//	key missing   | notify, wish bond          | refuse and report | the peer wanted its bond
//	key missing   | notify, wish unknown       | refuse and report | the peer's wish is unknown
//	key missing   | repaired                   | refuse and report | one repair for each link
//	key missing   | weaker                     | refuse and report | pairing would be weaker than the bond
//	key missing   | authenticated, no consent  | refuse and report | nobody consents
//	key missing   | gone                       | wait and retry    | the link is gone, the next one may pair again
//	key missing   | waiting                    | wait and retry    | too many pairings have failed
//	key missing   | unauthenticated, wish none | pair again        | the peer wants no bond
//	key missing   |                            | pair again        | the policy is repair
//	key failed    | often                      | refuse and report | failed several times in a row
//	key failed    | other                      | wait and retry    | the other generation of an unproven key is tried once
//	key failed    |                            | wait and retry    | the bond is not lost by this
//	link failed   |                            | wait and retry    | the bond is not lost by this
//	pairing asked | no bond, closed, not open  | refuse and report | not pairable
//	pairing asked | bond, weaker               | refuse and report | pairing would be weaker than the bond
//	pairing asked | waiting                    | wait and retry    | too many pairings have failed
//	pairing asked | no bond, no leave          | refuse and report | nobody consents
//	pairing asked | no bond                    | pair              | there is no bond
//	pairing asked | encrypted                  | pair again        | the link is encrypted with the bond
//	pairing asked | open                       | pair again        | pairing is open to all
//	pairing asked | no consent                 | refuse and report | nobody consents
//	pairing asked |                            | pair again        | a person consents
//
// Pairing again with a peer that wants no bond gives up continuity of identity: nothing shows that the one
// that pairs now is the one that paired before. A key made by Just Works with a peer that never meant to keep
// it hardly had that to give.
//
// Where pairing does take place, it is never weaker than the bond in authentication, Secure Connections or key
// size, unless [Policy.AllowWeaker] says so; a peer that claims in its Identity Address a bond which it did
// not resolve to is refused. A bond is replaced in one step when the pairing is complete, and the keys before
// stay beside it until the new ones have encrypted a later link. Failed pairings make both sides of us wait
// longer each time ([Wait]).
package smp
