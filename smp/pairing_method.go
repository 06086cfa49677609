package smp

// model is how a pairing is protected against somebody in the middle. Where a passkey is used, a side that
// does not enter it displays it.
type model struct {
	method          Method
	initiatorEnters bool
	responderEnters bool
}

var (
	justWorks        = model{method: JustWorks}
	compareNumbers   = model{method: NumericComparison}
	outOfBand        = model{method: OutOfBand}
	initiatorEnters  = model{method: PasskeyEntry, initiatorEnters: true}
	responderEnters  = model{method: PasskeyEntry, responderEnters: true}
	bothEnterPasskey = model{method: PasskeyEntry, initiatorEnters: true, responderEnters: true}
)

// legacyModels is Table 2.8 (Vol 3, Part H, 2.3.5.1) for legacy pairing: the row is the responder, the column
// the initiator.
var legacyModels = [5][5]model{
	// DisplayOnly, DisplayYesNo, KeyboardOnly, NoInputNoOutput, KeyboardDisplay
	DisplayOnly:     {justWorks, justWorks, initiatorEnters, justWorks, initiatorEnters},
	DisplayYesNo:    {justWorks, justWorks, initiatorEnters, justWorks, initiatorEnters},
	KeyboardOnly:    {responderEnters, responderEnters, bothEnterPasskey, justWorks, responderEnters},
	NoInputNoOutput: {justWorks, justWorks, justWorks, justWorks, justWorks},
	KeyboardDisplay: {responderEnters, responderEnters, initiatorEnters, justWorks, responderEnters},
}

// chooseModel is Tables 2.6 to 2.8.
func chooseModel(request, response features, secure bool) model {
	switch {
	case secure && (request.oob || response.oob), request.oob && response.oob:
		return outOfBand
	case !request.auth.MITM() && !response.auth.MITM():
		return justWorks
	case secure && request.io.compares() && response.io.compares():
		return compareNumbers
	}
	return legacyModels[response.io][request.io]
}

// compares tells whether a number can be shown and a person can say yes or no to it.
func (c IOCapability) compares() bool { return c == DisplayYesNo || c == KeyboardDisplay }
