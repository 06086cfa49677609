package hci

// Bits of LE Read Supported States: what a controller can do alone, and some of what it can do beside
// something else (Vol 4, Part E, 7.8.27).
const (
	StateConnectableAdvertising        uint64 = 1 << 2
	StateActiveScanning                uint64 = 1 << 5
	StateInitiating                    uint64 = 1 << 6
	StatePeripheral                    uint64 = 1 << 7
	StateConnectableAndPassiveScanning uint64 = 1 << 10
	StateConnectableAndActiveScanning  uint64 = 1 << 14
	StatePassiveScanningAndInitiating  uint64 = 1 << 22
	StateActiveScanningAndInitiating   uint64 = 1 << 23
	StatePassiveScanningAndCentral     uint64 = 1 << 24
	StateActiveScanningAndCentral      uint64 = 1 << 25
	StatePassiveScanningAndPeripheral  uint64 = 1 << 26
	StateActiveScanningAndPeripheral   uint64 = 1 << 27
	StateInitiatingAndCentral          uint64 = 1 << 28
	StateConnectableAndInitiating      uint64 = 1 << 32
	StateConnectableAndCentral         uint64 = 1 << 35
	StateConnectableAndPeripheral      uint64 = 1 << 38
	StateInitiatingAndPeripheral       uint64 = 1 << 41
)
