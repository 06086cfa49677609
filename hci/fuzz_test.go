package hci

import (
	"bytes"
	"testing"
)

// seeds are the octets of one of everything, whole and cut.
func seeds(f *testing.F, add func([]byte)) {
	for _, c := range []Command{Reset, Disconnect{1, 0x13}, SetEventMask{1}, WriteLEHostSupport{true}, ReadRemoteVersionInformation(1), LESetEventMask{1},
		LESetRandomAddress{}, LESetAdvertisingParameters{}, LESetAdvertisingData{[]byte{2, 1, 6}}, LESetScanResponseData{}, LESetAdvertisingEnable{true},
		LESetScanParameters{}, LESetScanEnable{}, LECreateConnection{}, LEAddDeviceToFilterAcceptList(Address{}), LEConnectionUpdate{}, LEEncrypt{},
		LEEnableEncryption{}, LELongTermKeyRequestReply{}, LERemoteConnectionParameterRequestReply{}, LERemoteConnectionParameterRequestNegativeReply{}, extendedSet,
		LESetExtendedAdvertisingData{1, DataComplete, 1, []byte{2, 1, 6}}, LESetExtendedAdvertisingEnable{true, []EnabledSet{{1, 1000, 5}, {2, 0, 0}}},
		LESetExtendedScanParameters{1, 2, []PHYScan{{LE1M, true, 0xA0, 0x30}, {LECoded, false, 0x140, 0x60}}},
		LEExtendedCreateConnectionV2{2, 5, LEExtendedCreateConnection{Peer: device, Connect: []PHYConnect{{PHY: LE1M}, {PHY: LE2M}}}},
		LESetConnectionlessCTETransmitParameters{Antennas: []byte{1, 2}}, LESetPeriodicSyncSubevent{Subevents: []byte{1, 2}},
		LESetPeriodicAdvertisingSubeventData{Subevents: []SubeventData{{Data: []byte{1}}, {}}},
		HostCompletedPacketsOf(CompletedPackets{1, 1}), LESetPeriodicAdvertisingData{Data: []byte{1}}, LEAddDeviceToResolvingList{Peer: device}} {
		p := AppendCommand(nil, c)
		add(p)
		add(p[:len(p)-1])
	}
	for _, e := range []EventParameters{DisconnectionComplete{}, EncryptionChange{}, EncryptionKeyRefreshComplete{}, ReadRemoteVersionInformationComplete{},
		CommandComplete{Return: make([]byte, 9)}, CommandStatus{}, HardwareError{}, CompletedPacketsOf(CompletedPackets{1, 1}, CompletedPackets{2, 2}),
		LEConnectionComplete{}, LEEnhancedConnectionComplete{}, LEAdvertisingReport{[]AdvertisingReport{{Data: []byte{1, 2}}, {}}},
		LEConnectionUpdateComplete{}, LEReadRemoteFeaturesComplete{}, LELongTermKeyRequest{}, LERemoteConnectionParameterRequest{},
		LEExtendedAdvertisingReport{[]ExtendedAdvertisingReport{extendedReported, extendedReported}}, LEDirectedAdvertisingReport{[]DirectedReport{{}}},
		LEEnhancedConnectionCompleteV2{}, LEPeriodicAdvertisingReport{Data: []byte{1}}, LEPeriodicAdvertisingReportV2{}, LEAdvertisingSetTerminated{},
		LEConnectionIQReport{IQSamples: IQSamples{Samples: make([]IQSample, 2)}}, LEPeriodicAdvertisingResponseReport{Responses: make([]PeriodicResponse, 2)},
		LEPeriodicAdvertisingSyncTransferReceivedV2{}, EncryptionChangeV2{}} {
		p := AppendEvent(nil, e)
		add(p)
		add(p[:len(p)-1])
	}
	add(AppendACL(nil, ACL{Handle: 1, Data: []byte{1, 2, 3}}))
	add(nil)
}

// FuzzPacket gives any packet to whatever parses its kind. What is taken must write itself, and what was
// written must be taken again for the same.
func FuzzPacket(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		if p, err := ParseACL(b[1:]); err == nil {
			if got := p.AppendTo(nil); !bytes.Equal(got, b[1:]) {
				t.Errorf("ACL: % X became % X", b[1:], got)
			}
		}
		if c, err := ParseCommand(b[1:]); err == nil {
			settles(t, c.Parameters, append(commandParsers(c.Opcode), laterCommandParsers(c.Opcode)...))
			if got := AppendCommand(nil, Raw{c.Opcode, c.Parameters}); !bytes.Equal(got[1:], b[1:]) {
				t.Errorf("command: % X became % X", b[1:], got[1:])
			}
		}
		if e, err := ParseEvent(b[1:]); err == nil {
			settles(t, e.Parameters, append(eventParsers(), laterEventParsers()...))
			if s, rest, err := ParseLEMeta(e.Parameters); err == nil {
				_ = s.String()
				settles(t, rest, append(metaParsers(), laterMetaParsers()...))
			}
		}
	})
}

// FuzzReturn gives any octets to every parser of return parameters.
func FuzzReturn(f *testing.F) {
	for _, n := range []int{0, 1, 2, 3, 6, 7, 8, 16, 64, 65} {
		f.Add(bytes.Repeat([]byte{0xA5}, n))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		settles(t, b, []func([]byte) (any, error){parser(ParseLocalVersion), parser(ParseBufferSize), parser(ParseLEBufferSize)})
		settles(t, b, laterReturnParsers())
		_, _ = ParseResolvableAddress(OpLEReadPeerResolvableAddress, b)
		_, _ = ParseListSize(OpLEReadResolvingListSize, b)
		_, _ = ParseMaximumAdvertisingDataLength(b)
		_, _ = ParseLEHostSupport(b)
		_, _ = ReturnStatus(OpReset, b)
		_, _ = ParseSupportedCommands(b)
		_, _ = ParseFeatures(OpLEReadLocalSupportedFeatures, b)
		_, _ = ParseBDADDR(b)
		_, _ = ParseHandle(OpDisconnect, b)
		_, _ = ParseLEEncryptReturn(b)
		_, _ = ParseLERandReturn(b)
	})
}

// FuzzParseAddress: what is taken prints as what is read back.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"00:1C:05:FF:F0:30", "00:1C:05:FF:F0:30/public", "c6:05:04:03:02:01/random", "", "/", "00:1C:05:FF:F0:3G", "::::::::::::::::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, typed, err := ParseAddress(s)
		if err != nil {
			return
		}
		again, _, err := ParseAddress(a.Text())
		if again != a || err != nil || typed && len(s) != len(a.Text()) || !typed && len(s) != len(a.String()) {
			t.Errorf("%q is %s, which is %s, %v", s, a.Text(), again.Text(), err)
		}
	})
}

// settles wants every value that is taken from b to come back from its own octets.
func settles(t *testing.T, b []byte, parsers []func([]byte) (any, error)) {
	t.Helper()
	for _, parse := range parsers {
		v, err := parse(b)
		if err != nil {
			continue
		}
		once := v.(appender).AppendTo(nil)
		if c, ok := v.(EventParameters); ok && c.Code() == EvLEMeta {
			once = once[1:]
		}
		if len(once) > len(b) {
			t.Errorf("%T: % X became longer, % X", v, b, once)
		}
		again, err := parse(once)
		if err != nil {
			t.Fatalf("%T: % X became % X: %v", v, b, once, err)
		}
		twice := again.(appender).AppendTo(nil)
		if c, ok := v.(EventParameters); ok && c.Code() == EvLEMeta {
			twice = twice[1:]
		}
		if !bytes.Equal(once, twice) {
			t.Errorf("%T: % X, then % X", v, once, twice)
		}
	}
}

func commandParsers(op Opcode) []func([]byte) (any, error) {
	return []func([]byte) (any, error){parser(ParseDisconnect), parser(ParseSetEventMask), parser(ParseWriteLEHostSupport), parseHandleCommand(op),
		parser(ParseLESetEventMask), parser(ParseLESetRandomAddress), parser(ParseLESetAdvertisingParameters), parser(ParseLESetAdvertisingData),
		parser(ParseLESetScanResponseData), parser(ParseLESetAdvertisingEnable), parser(ParseLESetScanParameters), parser(ParseLESetScanEnable),
		parser(ParseLECreateConnection), parseAcceptList(op), parser(ParseLEConnectionUpdate), parser(ParseLEEncrypt), parser(ParseLEEnableEncryption),
		parser(ParseLELongTermKeyRequestReply), parser(ParseLERemoteConnectionParameterRequestReply), parser(ParseLERemoteConnectionParameterRequestNegativeReply)}
}

func eventParsers() []func([]byte) (any, error) {
	return []func([]byte) (any, error){parser(ParseDisconnectionComplete), parser(ParseEncryptionChange), parser(ParseEncryptionKeyRefreshComplete),
		parser(ParseReadRemoteVersionInformationComplete), parser(ParseCommandComplete), parser(ParseCommandStatus), parser(ParseHardwareError),
		parser(ParseNumberOfCompletedPackets)}
}

func metaParsers() []func([]byte) (any, error) {
	return []func([]byte) (any, error){parser(ParseLEConnectionComplete), parser(ParseLEEnhancedConnectionComplete), parser(ParseLEAdvertisingReport),
		parser(ParseLEConnectionUpdateComplete), parser(ParseLEReadRemoteFeaturesComplete), parser(ParseLELongTermKeyRequest),
		parser(ParseLERemoteConnectionParameterRequest)}
}
