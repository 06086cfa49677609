package driver_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// extendedFeatures are those of a controller with all that package driver uses.
const extendedFeatures = hci.FeatureLEEncryption | hci.FeatureLEExtendedAdvertising | hci.FeatureLECodedPHY | hci.FeatureLEPeriodicAdvertising |
	hci.FeatureExtendedScanningFilterPolicies | hci.FeaturePeriodicAdvertisingSyncTransferSender | hci.FeaturePeriodicAdvertisingSyncTransferRecipient |
	hci.FeaturePeriodicAdvertisingADI

// extendedFamily are the commands of the extended family, and what they return here.
var extendedFamily = map[hci.Opcode]hcitest.Handler{
	hci.OpLESetExtendedScanParameters:            hcitest.Return(),
	hci.OpLESetExtendedScanEnable:                hcitest.Return(),
	hci.OpLESetExtendedAdvertisingParameters:     hcitest.Return(0xF4), // -12 dBm
	hci.OpLESetExtendedAdvertisingData:           hcitest.Return(),
	hci.OpLESetExtendedScanResponseData:          hcitest.Return(),
	hci.OpLESetExtendedAdvertisingEnable:         hcitest.Return(),
	hci.OpLESetAdvertisingSetRandomAddress:       hcitest.Return(),
	hci.OpLERemoveAdvertisingSet:                 hcitest.Return(),
	hci.OpLEExtendedCreateConnection:             hcitest.Refuse(hci.Success),
	hci.OpLEReadMaximumAdvertisingDataLength:     hcitest.Return(0x72, 0x06), // 1650
	hci.OpLEReadNumberOfSupportedAdvertisingSets: hcitest.Return(3),
	hci.OpLESetPeriodicAdvertisingParameters:     hcitest.Return(),
	hci.OpLESetPeriodicAdvertisingData:           hcitest.Return(),
	hci.OpLESetPeriodicAdvertisingEnable:         hcitest.Return(),
	hci.OpLEPeriodicAdvertisingCreateSync:        hcitest.Refuse(hci.Success),
	hci.OpLEPeriodicAdvertisingCreateSyncCancel:  hcitest.Return(),
	hci.OpLEPeriodicAdvertisingTerminateSync:     hcitest.Return(),
}

// extended is a scripted controller with the extended family.
func extended(features uint64) *hcitest.Controller {
	ctl := hcitest.NewController(hcitest.Settings{Features: features})
	var all hci.SupportedCommands
	for op, h := range extendedFamily {
		all.Add(op)
		ctl.Handle(op, h)
	}
	ctl.Handle(hci.OpReadLocalSupportedCommands, hcitest.Return(all[:]...))
	return ctl
}

// extendedBubble runs a test in a synctest bubble on a scripted controller of the extended family.
func extendedBubble(t *testing.T, f func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctl, h := extended(extendedFeatures), &host{}
		c := open(t, ctl, h)
		f(t, ctl, h, c)
		_ = c.Close()
	})
}

// since is what was commanded since the first n commands, as opcodes and parameters.
func since(ctl *hcitest.Controller, n int) (all []string) {
	for _, f := range ctl.Commands()[n:] {
		all = append(all, fmt.Sprintf("%04X % X", uint16(f.Opcode), f.Parameters))
	}
	return all
}

// set is a handler of an advertising set that keeps what it is told.
type set struct {
	mu         sync.Mutex
	terminated []hci.LEAdvertisingSetTerminated
	requests   []hci.LEScanRequestReceived
	raw        []string
}

func (s *set) HandleAdvertisingTerminated(e hci.LEAdvertisingSetTerminated) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.terminated = append(s.terminated, e)
}

func (s *set) HandleScanRequest(e hci.LEScanRequestReceived) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, e)
}

func (s *set) HandleSubevent(code hci.Subevent, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = append(s.raw, fmt.Sprintf("%02X: % X", uint8(code), b))
}

// told is how often the set was told that it is over, and the last time.
func (s *set) told() (n int, last hci.LEAdvertisingSetTerminated) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if n = len(s.terminated); n > 0 {
		last = s.terminated[n-1]
	}
	return n, last
}
