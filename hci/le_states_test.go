package hci

import "testing"

// Bits by their numbers in Vol 4, Part E, 7.8.27.
func TestStateBits(t *testing.T) {
	for bit, number := range map[uint64]int{StateConnectableAdvertising: 2, StateActiveScanning: 5, StateInitiating: 6, StatePeripheral: 7,
		StateConnectableAndPassiveScanning: 10, StateConnectableAndActiveScanning: 14, StatePassiveScanningAndInitiating: 22,
		StateActiveScanningAndInitiating: 23, StatePassiveScanningAndCentral: 24, StateActiveScanningAndCentral: 25,
		StatePassiveScanningAndPeripheral: 26, StateActiveScanningAndPeripheral: 27, StateInitiatingAndCentral: 28,
		StateConnectableAndInitiating: 32, StateConnectableAndCentral: 35, StateConnectableAndPeripheral: 38, StateInitiatingAndPeripheral: 41} {
		if bit != 1<<number {
			t.Errorf("0x%X, want bit %d", bit, number)
		}
	}
}
