package smp

import "testing"

func TestParseLevel(t *testing.T) {
	for l := LevelNone; l <= LevelSC; l++ {
		if got, err := ParseLevel(l.String()); got != l || err != nil {
			t.Errorf("%s: %v, %v", l, got, err)
		}
	}
	for _, text := range []string{"", "SC", "high", "0"} {
		if _, err := ParseLevel(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
	if got := Level(9).String(); got != "level 9" {
		t.Error(got)
	}
}

// TestLevels (Vol 3, Part C, 10.2.1): authentication and Secure Connections are two properties.
func TestLevels(t *testing.T) {
	for _, c := range []struct {
		security Security
		want     Level
	}{
		{Security{}, LevelNone},
		{Security{Authenticated: true, SecureConnections: true, KeySize: 16}, LevelNone}, // not encrypted
		{Security{Encrypted: true, KeySize: 7}, LevelEncrypted},
		{Security{Encrypted: true, SecureConnections: true, KeySize: 16}, LevelEncrypted}, // Just Works
		{Security{Encrypted: true, Authenticated: true, KeySize: 16}, LevelAuthenticated}, // legacy passkey
		{Security{Encrypted: true, Authenticated: true, SecureConnections: true, KeySize: 15}, LevelAuthenticated},
		{Security{Encrypted: true, Authenticated: true, SecureConnections: true, KeySize: 16}, LevelSC},
	} {
		if got := c.security.Level(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.security, got, c.want)
		}
		for l := LevelNone; l <= LevelSC+1; l++ {
			if got := c.security.Satisfies(l); got != (l <= c.want) {
				t.Errorf("%+v satisfies %s: %v", c.security, l, got)
			}
		}
	}
}

// TestWeakerThan: nothing makes up for anything else.
func TestWeakerThan(t *testing.T) {
	var all []Security
	for bits := range 4 {
		for _, size := range []int{7, 16} {
			all = append(all, Security{Encrypted: true, Authenticated: bits&1 != 0, SecureConnections: bits&2 != 0, KeySize: size})
		}
	}
	for _, s := range all {
		for _, of := range all {
			want := !s.Authenticated && of.Authenticated || !s.SecureConnections && of.SecureConnections || s.KeySize < of.KeySize
			if got := s.WeakerThan(of); got != want {
				t.Errorf("%+v weaker than %+v: %v", s, of, got)
			}
		}
		if s.WeakerThan(Security{}) {
			t.Errorf("%+v is weaker than nothing", s)
		}
	}
}
