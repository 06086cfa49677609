package bluez

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

const (
	folderMode fs.FileMode = 0o700
	fileMode   fs.FileMode = 0o600
)

// An Action is what is done to a file.
type Action string

const (
	Create  Action = "create"  // it was not there
	Update  Action = "update"  // it was there without keys of LE, and keeps what it has
	Replace Action = "replace" // its keys were others, and are gone
	Same    Action = "same"    // it has these keys already, and is not touched
	Refuse  Action = "refuse"  // it is not touched: see Err
)

// A Step is one file that Write writes, or would.
type Step struct {
	Path   string
	Local  hci.Address
	Peer   hci.Address // zero: it is the local identity
	Action Action
	Err    error // why it is refused, or could not be written
}

// WriteConfig is what Write may be told. Its zero value works.
type WriteConfig struct {
	DryRun  bool // only tell what would be done
	Replace bool // replace other keys; otherwise they are refused with ErrExists
}

// Write writes the bonds of one local identity below dir, and its identity resolving key unless irk is nil. Each
// file is written whole or not at all; one Step says what became of it. An error says that dir can't be used.
func Write(dir string, local hci.Address, irk *smp.Key, records []smp.Record, c WriteConfig) ([]Step, error) {
	if !local.IsIdentity() {
		return nil, fmt.Errorf("bluez: %w: our own %s", ErrAddress, local.Text())
	}
	w := &writer{dir: dir, local: local, config: c}
	if err := w.open(); err != nil {
		return nil, fmt.Errorf("bluez: %w", err)
	}
	defer w.close()
	var steps []Step
	if irk != nil {
		steps = append(steps, w.identity(irk))
	}
	for _, r := range records {
		if r.Local == local {
			steps = append(steps, w.bond(r))
		}
	}
	return steps, nil
}

// writer writes below one folder; without a root the folder is not there, and nothing is to be made.
type writer struct {
	dir    string
	local  hci.Address
	config WriteConfig
	root   *os.Root
}

func (w *writer) open() error {
	if !w.config.DryRun {
		if err := os.MkdirAll(w.dir, folderMode); err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(w.dir)
	if w.config.DryRun && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	w.root = root
	return err
}

func (w *writer) close() {
	if w.root != nil {
		_ = w.root.Close()
	}
}

// old is what is in a file, nil if it is not there.
func (w *writer) old(path string) ([]byte, error) {
	if w.root == nil {
		return nil, nil
	}
	text, err := readFile(w.root, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

func (w *writer) identity(irk *smp.Key) Step {
	path := filepath.Join(adapterName(w.local), identityName)
	s := Step{Path: filepath.Join(w.dir, path), Local: w.local, Action: Create}
	old, err := w.old(path)
	if err != nil {
		return s.refuse(err)
	}
	f := keyFile{groups: []group{{}}}
	if len(old) > 0 {
		there, err := readIdentity(w.root, path)
		switch {
		case err != nil && !w.config.Replace:
			return s.refuse(err)
		case there == nil && err == nil:
			s.Action = Update
		case there != nil && *there == *irk:
			s.Action = Same
			return s
		case !w.config.Replace:
			return s.refuse(fmt.Errorf("%w: another identity resolving key", ErrExists))
		default:
			s.Action = Replace
		}
		if parsed, err := parseKeyFile(old); err == nil {
			f = parsed
		}
	}
	f.set(general, peerIRK, hex.EncodeToString(irk[:]))
	return w.put(s, path, f.text())
}

func (w *writer) bond(r smp.Record) Step {
	path := filepath.Join(adapterName(w.local), r.Peer.String(), infoName)
	s := Step{Path: filepath.Join(w.dir, path), Local: w.local, Peer: r.Peer}
	if err := Check(r); err != nil {
		return s.refuse(err)
	}
	old, err := w.old(path)
	if err != nil {
		return s.refuse(err)
	}
	if len(old) == 0 { // as a power cut leaves it
		old = nil
	}
	text, err := AppendInfo(nil, r, old)
	if err != nil && w.config.Replace {
		old = nil // damaged
		text, err = AppendInfo(nil, r, nil)
		s.Action = Replace
	}
	if err != nil {
		return s.refuse(err)
	}
	if s.Action == "" {
		s.Action = w.judge(r, old, text)
	}
	switch {
	case s.Action == Same:
		return s
	case s.Action == Replace && !w.config.Replace:
		return s.refuse(ErrExists)
	}
	return w.put(s, path, text)
}

// judge tells what writing text over old does.
func (w *writer) judge(r smp.Record, old, text []byte) Action {
	if old == nil {
		return Create
	}
	if bytes.Equal(old, text) {
		return Same
	}
	there, err := ParseInfo(old, r.Local, r.Peer.Octets)
	switch {
	case errors.Is(err, ErrNoKey):
		return Update
	case err == nil && there.Record.Peer == r.Peer && sameKeys(there.Record.Keys, r.Keys):
		return Same
	}
	return Replace
}

// sameKeys compares what an info file can hold.
func sameKeys(a, b smp.Keys) bool {
	a.Method, b.Method = "", ""
	return a.Equal(b)
}

func (s Step) refuse(err error) Step {
	s.Action, s.Err = Refuse, err
	return s
}

// put writes a file in one step, durably: BlueZ's own first write is neither.
func (w *writer) put(s Step, path string, text []byte) Step {
	if w.config.DryRun {
		return s
	}
	if err := w.write(path, text); err != nil {
		return s.refuse(err)
	}
	return s
}

func (w *writer) write(path string, text []byte) error {
	folder := filepath.Dir(path)
	if err := w.root.MkdirAll(folder, folderMode); err != nil {
		return err
	}
	_ = w.root.Remove(path + newEnding) // left over
	f, err := w.root.OpenFile(path+newEnding, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = w.root.Rename(path+newEnding, path)
	}
	if err != nil {
		_ = w.root.Remove(path + newEnding)
		return err
	}
	for {
		w.syncDir(folder)
		if folder == "." {
			return nil
		}
		folder = filepath.Dir(folder)
	}
}

// syncDir makes the names in a folder durable, where the system can.
func (w *writer) syncDir(folder string) {
	if f, err := w.root.Open(folder); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}
