package cli

import (
	"path/filepath"

	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/statestore"
	"github.com/jelling-ble/jelling/hci"
)

// gattFolder is where, beside the bonds, stands what GATT keeps of peers.
const gattFolder = "gatt"

// forgetGATT removes what GATT keeps of a peer whose bond has gone.
func (e *env) forgetGATT(peer hci.Address) error {
	dir, err := e.stateDirectory()
	if err != nil {
		return err
	}
	return gatt.ForgetPeer(statestore.Open(filepath.Join(dir, gattFolder)), peer.Text())
}
