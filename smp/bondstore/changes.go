package bondstore

// Changes is a number that is another one after each Save and Delete: who remembers what follows from the records
// knows by it when to look again.
func (s *Store) Changes() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return uint64(s.changes)
}
