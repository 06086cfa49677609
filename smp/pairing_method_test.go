package smp

import "testing"

// TestTable2_8 has the table as the specification prints it: a row for each responder, a column for each
// initiator, J for Just Works, I or R for a passkey that the initiator or responder enters, B for one
// that both enter, N for numeric comparison.
func TestTable2_8(t *testing.T) {
	models := map[byte]model{
		'J': justWorks, 'I': initiatorEnters, 'R': responderEnters, 'B': bothEnterPasskey, 'N': compareNumbers,
	}
	for kind, rows := range map[bool][5]string{
		false: {"JJIJI", "JJIJI", "RRBJR", "JJJJJ", "RRIJR"},
		true:  {"JJIJI", "JNIJN", "RRBJR", "JJJJJ", "RNIJN"},
	} {
		for responder, row := range rows {
			for initiator := range row {
				request := features{io: IOCapability(initiator), auth: authMITM}
				response := features{io: IOCapability(responder)}
				for range 2 { // either side's flag is enough
					if got, want := chooseModel(request, response, kind), models[row[initiator]]; got != want {
						t.Errorf("secure %t, initiator %v, responder %v: %+v, want %+v", kind, request.io, response.io, got, want)
					}
					request.auth, response.auth = response.auth, request.auth
				}
				request.auth, response.auth = 0, 0
				if got := chooseModel(request, response, kind); got != justWorks {
					t.Errorf("secure %t, initiator %v, responder %v, no MITM: %+v", kind, request.io, response.io, got)
				}
			}
		}
	}
}

// Tables 2.6 and 2.7: out of band data go before everything else, in legacy pairing if both sides have them.
func TestOutOfBandFlags(t *testing.T) {
	for _, c := range []struct {
		initiator, responder, secure, want bool
	}{
		{false, false, false, false}, {true, false, false, false}, {false, true, false, false}, {true, true, false, true},
		{false, false, true, false}, {true, false, true, true}, {false, true, true, true}, {true, true, true, true},
	} {
		request := features{io: KeyboardDisplay, oob: c.initiator, auth: authMITM}
		response := features{io: KeyboardDisplay, oob: c.responder, auth: authMITM}
		if got := chooseModel(request, response, c.secure); (got == outOfBand) != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestWhichOutOfBandDataFit(t *testing.T) {
	legacy := &outOfBandData{tk: &Key{1}}
	full := &outOfBandData{random: &Key{1}, peer: &outOfBandPeer{}}
	given := &outOfBandData{random: &Key{1}}
	got := &outOfBandData{peer: &outOfBandPeer{}}
	for _, c := range []struct {
		name                 string
		data                 *outOfBandData
		ours, theirs, secure bool
		want                 bool
	}{
		{"legacy with a TK", legacy, true, true, false, true},
		{"legacy with data for Secure Connections", full, true, true, false, false},
		{"Secure Connections with a TK", legacy, true, true, true, false},
		{"both ways", full, true, true, true, true},
		{"given", given, false, true, true, true},
		{"got", got, true, false, true, true},
		{"the peer says it has what we never gave", got, true, true, true, false},
		{"the peer says it has data of a side without any", nil, false, true, true, false},
	} {
		if fits := c.data.fits(features{oob: c.ours}, features{oob: c.theirs}, c.secure); fits != c.want {
			t.Errorf("%s: %t", c.name, fits)
		}
	}
}
