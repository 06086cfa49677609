package bondstore

import (
	"fmt"
	"maps"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// MaxExport bounds the text of an Export, in octets.
const MaxExport = 16 << 20

// Export is what a store holds, to be taken to another one: bonds and the identity that they were made with. It is
// full of keys.
type Export struct {
	Static  hci.Address             // the host's static address, zero if it has none
	IRKs    map[hci.Address]smp.Key // its identity resolving keys
	Records []smp.Record
}

// Format prints how much there is, and no key.
func (x Export) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "%d records", len(x.Records)) }

// exportKind tells an export from a bond's own file.
const exportKind = "jelling bonds"

type exportFile struct {
	header
	Kind string `json:"kind"`
	identityText
	Bonds []bondBody `json:"bonds"`
}

// Export is everything that the store holds, ordered by address.
func (s *Store) Export() Export {
	s.mu.RLock()
	x := Export{Static: s.identity.static, IRKs: maps.Clone(s.identity.irks)}
	s.mu.RUnlock()
	for _, local := range s.Locals() {
		x.Records = append(x.Records, s.List(local)...)
	}
	return x
}

// AppendTo appends the export as JSON that ParseExport reads: versioned, and with a checksum at its end.
func (x Export) AppendTo(b []byte) ([]byte, error) {
	f := exportFile{header: header{version, byteOrder}, Kind: exportKind, identityText: textOf(identity{x.Static, x.IRKs}), Bonds: []bondBody{}}
	for _, r := range x.Records {
		bond, err := bondOf(r)
		if err != nil {
			return b, err
		}
		f.Bonds = append(f.Bonds, bond)
	}
	text, err := sealUpTo(f, MaxExport)
	if err != nil {
		return b, fmt.Errorf("bondstore: %w", err)
	}
	return append(b, text...), nil
}

// ParseExport reads what AppendTo wrote. Errors are ErrDamaged and ErrNewer with detail, and hold nothing of the text.
func ParseExport(text []byte) (Export, error) {
	var f exportFile
	if err := unsealUpTo(text, &f, MaxExport); err != nil {
		return Export{}, err
	}
	if f.Kind != exportKind {
		return Export{}, fmt.Errorf("%w: it is no export of bonds", ErrDamaged)
	}
	if len(f.Bonds) > MaxRecords {
		return Export{}, fmt.Errorf("%w: %d bonds, more than %d", ErrDamaged, len(f.Bonds), MaxRecords)
	}
	id, err := f.identity()
	if err != nil {
		return Export{}, err
	}
	x := Export{Static: id.static, IRKs: id.irks}
	seen := map[pair]bool{}
	for i := range f.Bonds {
		r, err := f.Bonds[i].record()
		if err != nil {
			return Export{}, err
		}
		if p := (pair{r.Local, r.Peer}); seen[p] {
			return Export{}, fmt.Errorf("%w: two bonds with %s", ErrDamaged, r.Peer.Text())
		} else {
			seen[p] = true
		}
		x.Records = append(x.Records, r)
	}
	return x, nil
}
