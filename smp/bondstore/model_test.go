package bondstore

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sort"
	"syscall"
)

// errCut is what every operation returns once the power is gone.
var errCut = errors.New("power cut")

// modelRoot is the folder that every model has.
var modelRoot = filepath.Join(string(filepath.Separator), "state")

// model is a disk that keeps apart what the kernel shows and what a power cut leaves. A file's octets are
// lost, kept or torn until the file was synced; names made, changed and removed in a folder are lost or
// kept, each by itself, until the folder was synced. It can cut the power at any step and fail at any.
type model struct {
	root *node
	held map[string]bool // lock files

	steps   int
	cutAt   int                                    // the step at which the power goes, 0 for never
	fail    func(step int, operation string) error // nil for never
	touched []string                               // the operations, in order
}

// node is a file or a folder.
type node struct {
	mode fs.FileMode

	octets  []byte // a file's, as the kernel shows them
	durable []byte // as they are after a cut at the latest
	dirty   bool   // octets are not durable
	lost    bool   // a sync has failed: the kernel took the octets for clean, and they never will be durable

	names   map[string]*node // a folder's, as the kernel shows them
	kept    map[string]*node // as they are without the changes
	changes []nameChange     // since the last sync
}

// nameChange is what one operation does to the names of a folder: in one step, wholly or not at all. A nil
// node is a name removed.
type nameChange map[string]*node

func newFolder(mode fs.FileMode) *node {
	return &node{mode: fs.ModeDir | mode, names: map[string]*node{}, kept: map[string]*node{}}
}

func newModel() *model {
	m := &model{root: newFolder(0o755), held: map[string]bool{}}
	m.root.names["state"] = newFolder(0o755)
	m.root.kept["state"] = m.root.names["state"]
	return m
}

// step counts an operation, and fails it when its time has come.
func (m *model) step(operation string) error {
	m.steps++
	m.touched = append(m.touched, operation)
	if m.cutAt > 0 && m.steps >= m.cutAt {
		return errCut
	}
	if m.fail != nil {
		return m.fail(m.steps, operation)
	}
	return nil
}

// find is the node at a path of the kernel's.
func (m *model) find(path string) (*node, error) {
	if path == filepath.Dir(path) {
		return m.root, nil
	}
	parent, err := m.find(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	n := parent.names[filepath.Base(path)]
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return n, nil
}

// change does something to the names of a folder.
func (n *node) change(c nameChange) {
	n.changes = append(n.changes, c)
	apply(n.names, c)
}

func apply(names map[string]*node, c nameChange) {
	for name, n := range c {
		if n == nil {
			delete(names, name)
		} else {
			names[name] = n
		}
	}
}

func (m *model) stat(path string) (entry, error) {
	if err := m.step("stat"); err != nil {
		return entry{}, err
	}
	n, err := m.find(path)
	if err != nil {
		return entry{}, err
	}
	return entry{filepath.Base(path), n.mode}, nil
}

func (m *model) readDir(path string) ([]entry, error) {
	if err := m.step("readDir"); err != nil {
		return nil, err
	}
	n, err := m.find(path)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		entries = append(entries, entry{name, n.names[name].mode})
	}
	return entries, nil
}

func (m *model) read(path string, limit int) ([]byte, error) {
	if err := m.step("read"); err != nil {
		return nil, err
	}
	n, err := m.find(path)
	if err != nil {
		return nil, err
	}
	return slices.Clone(n.octets[:min(limit, len(n.octets))]), nil
}

// put makes a name that must not be there.
func (m *model) put(path string, n *node) error {
	parent, err := m.find(filepath.Dir(path))
	if err != nil {
		return err
	}
	if parent.names[filepath.Base(path)] != nil {
		return &fs.PathError{Op: "make", Path: path, Err: fs.ErrExist}
	}
	parent.change(nameChange{filepath.Base(path): n})
	return nil
}

func (m *model) mkdir(path string) error {
	if err := m.step("mkdir"); err != nil {
		return err
	}
	return m.put(path, newFolder(folderMode))
}

func (m *model) chmod(path string, mode fs.FileMode) error {
	if err := m.step("chmod"); err != nil {
		return err
	}
	n, err := m.find(path)
	if err == nil {
		n.mode = n.mode.Type() | mode
	}
	return err
}

func (m *model) create(path string) (file, error) {
	if err := m.step("create"); err != nil {
		return nil, err
	}
	n := &node{mode: fileMode, dirty: true}
	if err := m.put(path, n); err != nil {
		return nil, err
	}
	return &modelFile{m, n}, nil
}

func (m *model) rename(from, to string) error {
	if err := m.step("rename"); err != nil {
		return err
	}
	n, err := m.find(from)
	if err != nil {
		return err
	}
	if filepath.Dir(from) != filepath.Dir(to) {
		return errors.New("renamed from one folder to another")
	}
	parent, err := m.find(filepath.Dir(from))
	if err == nil {
		parent.change(nameChange{filepath.Base(from): nil, filepath.Base(to): n})
	}
	return err
}

func (m *model) remove(path string) error {
	if err := m.step("remove"); err != nil {
		return err
	}
	if _, err := m.find(path); err != nil {
		return err
	}
	parent, err := m.find(filepath.Dir(path))
	if err == nil {
		parent.change(nameChange{filepath.Base(path): nil})
	}
	return err
}

func (m *model) syncDir(path string) error {
	if err := m.step("syncDir"); err != nil {
		return err
	}
	n, err := m.find(path)
	if err == nil {
		n.kept, n.changes = maps.Clone(n.names), nil
	}
	return err
}

func (m *model) lock(path string) (io.Closer, error) {
	if err := m.step("lock"); err != nil {
		return nil, err
	}
	if m.held[path] {
		return nil, &LockedError{Path: path}
	}
	if err := m.put(path, &node{mode: fileMode}); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	m.held[path] = true
	return modelLock{m, path}, nil
}

type modelLock struct {
	m    *model
	path string
}

func (l modelLock) Close() error {
	delete(l.m.held, l.path)
	return nil
}

type modelFile struct {
	m *model
	n *node
}

// Write leaves half of it when it fails, as a disk does that becomes full.
func (f *modelFile) Write(b []byte) (int, error) {
	err := f.m.step("write")
	n := len(b)
	if err != nil {
		n /= 2
	}
	if !errors.Is(err, errCut) {
		f.n.octets = append(f.n.octets, b[:n]...)
	}
	return n, err
}

func (f *modelFile) Sync() error {
	err := f.m.step("sync")
	switch {
	case errors.Is(err, errCut):
	case err != nil:
		f.n.lost = true
	case !f.n.lost:
		f.n.durable, f.n.dirty = slices.Clone(f.n.octets), false
	}
	return err
}

func (f *modelFile) Close() error { return f.m.step("close") }

// clone is the same disk, running: what is not durable here is not durable there. Locks are gone, as they
// are when a process ends.
func (m *model) clone() *model {
	seen := map[*node]*node{}
	var copied func(n *node) *node
	names := func(from map[string]*node) map[string]*node {
		if from == nil {
			return nil
		}
		to := map[string]*node{}
		for name, n := range from {
			to[name] = copied(n)
		}
		return to
	}
	copied = func(n *node) *node {
		if n == nil || seen[n] != nil {
			return seen[n]
		}
		c := *n
		seen[n] = &c
		c.octets, c.durable = slices.Clone(n.octets), slices.Clone(n.durable)
		c.names, c.kept, c.changes = names(n.names), names(n.kept), nil
		for _, change := range n.changes {
			c.changes = append(c.changes, names(change))
		}
		return &c
	}
	return &model{root: copied(m.root), held: map[string]bool{}}
}

// afterCut calls f with every disk that a power cut at this moment may leave.
func (m *model) afterCut(f func(*model)) {
	var undecided []choice
	seen := map[*node]bool{}
	var walk func(n *node)
	walk = func(n *node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		if n.names == nil {
			if n.dirty {
				undecided = append(undecided, choice{n, len(torn(n))})
			}
			return
		}
		if len(n.changes) > 0 {
			undecided = append(undecided, choice{n, 1 << len(n.changes)})
		}
		for _, names := range append([]nameChange{n.names, n.kept}, n.changes...) {
			for _, name := range sortedNames(names) {
				walk(names[name])
			}
		}
	}
	walk(m.root)
	decide(undecided, map[*node]int{}, func(decided map[*node]int) {
		f(&model{root: leave(m.root, decided), held: map[string]bool{}})
	})
}

// choice is a node of whose state after a cut there are several possibilities.
type choice struct {
	n    *node
	many int
}

func decide(left []choice, decided map[*node]int, f func(map[*node]int)) {
	if len(left) == 0 {
		f(decided)
		return
	}
	for i := range left[0].many {
		decided[left[0].n] = i
		decide(left[1:], decided, f)
	}
}

// torn is what a cut may leave of a file that was not synced.
func torn(n *node) [][]byte {
	whole, half := n.octets, len(n.octets)/2
	zeros := make([]byte, len(whole))
	states := [][]byte{n.durable}
	if len(whole) > 0 {
		states = append(states, whole, whole[:half], zeros, slices.Concat(whole[:half], zeros[half:]), slices.Concat(zeros[:half], whole[half:]))
	}
	return states
}

// leave is what is left of a node, with all of it durable.
func leave(n *node, decided map[*node]int) *node {
	if n.names == nil {
		octets := n.octets
		if n.dirty {
			octets = torn(n)[decided[n]]
		}
		octets = slices.Clone(octets)
		return &node{mode: n.mode, octets: octets, durable: octets}
	}
	names := maps.Clone(n.kept)
	for i, c := range n.changes {
		if decided[n]>>i&1 != 0 {
			apply(names, c)
		}
	}
	left := newFolder(n.mode.Perm())
	for name, child := range names {
		left.names[name] = leave(child, decided)
	}
	left.kept = maps.Clone(left.names)
	return left
}

func sortedNames(names map[string]*node) []string {
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// files is every file below the store's folder with its octets, as the kernel shows them.
func (m *model) files() map[string]string {
	all := map[string]string{}
	var walk func(path string, n *node)
	walk = func(path string, n *node) {
		if n.names == nil {
			all[path] = string(n.octets)
		}
		for name, child := range n.names {
			walk(filepath.Join(path, name), child)
		}
	}
	walk("", m.root)
	return all
}

// always fails every operation that changes the disk.
func always(err error) func(int, string) error {
	return func(_ int, operation string) error {
		switch operation {
		case "stat", "readDir", "read":
			return nil
		}
		return &fs.PathError{Op: operation, Path: "model", Err: err}
	}
}

// diskErrors are those that a store has to live with.
var diskErrors = []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO, syscall.EACCES}
