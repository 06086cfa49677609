//go:build lab

package lab

import (
	"path/filepath"
)

// labProfile is what jelling advertise serves here.
const labProfile = "profile.json"

// advertise starts jelling advertise, and waits until it does.
func (s *session) advertise(args ...string) *host {
	s.t.Helper()
	s.runs++
	name := "jelling-" + string(rune('0'+s.runs))
	path, err := filepath.Abs(labProfile)
	if err != nil {
		s.t.Fatal(err)
	}
	args = append([]string{"advertise", "--profile", path, "--json", "-v", "--capture", output(s.t, name+".btsnoop")}, args...)
	h := &host{process: start(s.t, name, s.command(args...)), peer: s.peer}
	h.hears("advertising")
	return h
}
