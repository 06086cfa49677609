// Package smp is the Security Manager (Vol 3, Part H): pairing, key distribution, the bond record and the
// policy that decides what happens when a peer has lost its bond.
package smp
