package l2cap

// Cut ends every credit-based channel because of err, at once: for a link that has lost the security which they were opened
// with. Nothing more of what was written goes out; of a frame that is half out the rest goes as zeros. What had arrived can be
// read still. The peer is asked to disconnect them; new ones can be opened. It never waits.
func (m *Mux) Cut(err error) {
	m.mu.Lock()
	var all []*CreditChannel
	for _, c := range m.credit {
		all = append(all, c)
		m.schedule.remove(c)
		if m.schedule.from == c {
			clear(m.schedule.partial)
		}
		c.sayDisconnect()
	}
	m.mu.Unlock()
	for _, c := range all {
		c.end(err)
	}
	if len(all) > 0 {
		m.link.Wake()
	}
}
