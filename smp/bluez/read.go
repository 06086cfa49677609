package bluez

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// Dir is where BlueZ keeps its bonds, unless it was built otherwise.
const Dir = "/var/lib/bluetooth"

// maxEntries bounds the entries that are looked at in one folder.
const maxEntries = 4096

// Names of files.
const (
	infoName     = "info"
	identityName = "identity"
	staticPrefix = "static-"
	newEnding    = ".new"
)

// An Adapter is a local identity.
type Adapter struct {
	Local   hci.Address
	IRK     *smp.Key // the local identity resolving key, nil if there is none to be had
	IRKErr  error    // why it can't be read, nil if it was or there is none
	Devices []Device // the peers, by address
}

// A Device is a peer, with its bond or with why there is none to take.
type Device struct {
	Path string // of its info file
	Peer hci.Address
	Bond Bond // its record is good when Err is nil
	Err  error
}

// Read reads all local identities and their peers' bonds below dir. Nothing outside dir is read, whatever the links
// in it say. An error says that dir can't be read; those of single peers stand beside them.
func Read(dir string) ([]Adapter, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("bluez: %w", err)
	}
	defer func() { _ = root.Close() }()
	names, err := folders(root, ".")
	if err != nil {
		return nil, fmt.Errorf("bluez: %w", err)
	}
	var adapters []Adapter
	for _, name := range names {
		local, ok := parseAdapter(name)
		if !ok {
			continue
		}
		a, err := readAdapter(root, name, local)
		if err != nil {
			return nil, fmt.Errorf("bluez: %w", err)
		}
		adapters = append(adapters, a)
	}
	return adapters, nil
}

// folders lists the folders in a folder, by name.
func folders(root *os.Root, path string) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), filepath.ToSlash(path))
	if err != nil {
		return nil, err
	}
	if len(entries) > maxEntries {
		return nil, fmt.Errorf("%s: more than %d entries", path, maxEntries)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// parseAdapter reads the name of a local identity's folder.
func parseAdapter(name string) (hci.Address, bool) {
	digits, static := strings.CutPrefix(name, staticPrefix)
	a, ok := parseOctets(digits)
	if static {
		a.Type = hci.Random
	}
	return a, ok && a.IsIdentity()
}

// parseOctets reads an address as BlueZ writes it, and nothing else.
func parseOctets(name string) (hci.Address, bool) {
	a, typed, err := hci.ParseAddress(name)
	return a, err == nil && !typed && a.String() == name
}

func adapterName(local hci.Address) string {
	if local.Type == hci.Random {
		return staticPrefix + local.String()
	}
	return local.String()
}

func readAdapter(root *os.Root, name string, local hci.Address) (Adapter, error) {
	a := Adapter{Local: local}
	a.IRK, a.IRKErr = readIdentity(root, filepath.Join(name, identityName))
	names, err := folders(root, name)
	if err != nil {
		return a, err
	}
	for _, peer := range names {
		at, ok := parseOctets(peer)
		if !ok {
			continue // cache, and the like
		}
		a.Devices = append(a.Devices, readDevice(root, filepath.Join(name, peer, infoName), local, at))
	}
	return a, nil
}

func readDevice(root *os.Root, path string, local, peer hci.Address) Device {
	d := Device{Path: filepath.Join(root.Name(), path), Peer: peer}
	text, err := readFile(root, path)
	if err == nil {
		d.Bond, err = ParseInfo(text, local, peer.Octets)
		d.Peer = d.Bond.Record.Peer
	}
	d.Err = err
	return d
}

// readIdentity reads the local identity resolving key, nil if there is none.
func readIdentity(root *os.Root, path string) (*smp.Key, error) {
	text, err := readFile(root, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := parseKeyFile(text)
	if err != nil {
		return nil, err
	}
	digits, there := f.get(general, peerIRK)
	if !there {
		return nil, nil
	}
	k := &smp.Key{}
	if err := decodeKey(k, digits, general); err != nil {
		return nil, err
	}
	return k, nil
}

// readFile reads a regular file of bounded length. A pipe by that name does not hold us up.
func readFile(root *os.Root, path string) ([]byte, error) {
	f, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no file", ErrDamaged, path)
	}
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}
