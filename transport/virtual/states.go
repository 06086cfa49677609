package virtual

import "github.com/jelling-ble/jelling/hci"

// An activity is a state of the link layer, as LE Read Supported States tells them apart.
type activity uint8

const (
	passiveScanning activity = iota
	activeScanning
	nonConnectable
	scannable
	connectable
	directedHigh
	directedLow
	initiating
	asCentral
	asPeripheral
	activities
)

// aloneBit is the bit of an activity that there is by itself (Vol 4, Part E, 7.8.27). Central has that of initiating.
var aloneBit = [activities]int{nonConnectable: 0, scannable: 1, connectable: 2, directedHigh: 3, passiveScanning: 4, activeScanning: 5,
	initiating: 6, asCentral: 6, asPeripheral: 7, directedLow: 29}

// togetherBit is the bit of two at once. What is not in it is not for a host to ask: whoever can do both can do them together.
var togetherBit = map[[2]activity]int{
	{passiveScanning, nonConnectable}: 8, {passiveScanning, scannable}: 9, {passiveScanning, connectable}: 10, {passiveScanning, directedHigh}: 11,
	{activeScanning, nonConnectable}: 12, {activeScanning, scannable}: 13, {activeScanning, connectable}: 14, {activeScanning, directedHigh}: 15,
	{nonConnectable, initiating}: 16, {scannable, initiating}: 17,
	{nonConnectable, asCentral}: 18, {scannable, asCentral}: 19, {nonConnectable, asPeripheral}: 20, {scannable, asPeripheral}: 21,
	{passiveScanning, initiating}: 22, {activeScanning, initiating}: 23,
	{passiveScanning, asCentral}: 24, {activeScanning, asCentral}: 25, {passiveScanning, asPeripheral}: 26, {activeScanning, asPeripheral}: 27,
	{initiating, asCentral}: 28, {passiveScanning, directedLow}: 30, {activeScanning, directedLow}: 31,
	{connectable, initiating}: 32, {directedHigh, initiating}: 33, {directedLow, initiating}: 34,
	{connectable, asCentral}: 35, {directedHigh, asCentral}: 36, {directedLow, asCentral}: 37,
	{connectable, asPeripheral}: 38, {directedHigh, asPeripheral}: 39, {directedLow, asPeripheral}: 40, {initiating, asPeripheral}: 41,
}

// mayEnter tells whether the controller can begin an activity beside those that it is at.
func (c *Controller) mayEnter(a activity) bool {
	if c.config.States == supportedStates {
		return true
	}
	can := func(bit int) bool { return c.config.States>>bit&1 != 0 }
	if !can(aloneBit[a]) {
		return false
	}
	for _, b := range c.activities() {
		if bit, known := togetherBit[[2]activity{min(a, b), max(a, b)}]; known && !can(bit) {
			return false
		}
	}
	return true
}

// activities are what the controller is at.
func (c *Controller) activities() (all []activity) {
	for _, v := range c.allSets() {
		if v.on {
			all = append(all, v.state())
		}
	}
	if c.scanner.on {
		all = append(all, c.scanner.state())
	}
	if c.initiator.on {
		all = append(all, initiating)
	}
	for _, e := range c.ends {
		if e.role == hci.Central {
			all = append(all, asCentral)
		} else {
			all = append(all, asPeripheral)
		}
	}
	return all
}

// state is the activity that advertising is.
func (v *advertiser) state() activity {
	switch {
	case v.highDuty():
		return directedHigh
	case v.connectable() && v.directed():
		return directedLow
	case v.connectable():
		return connectable
	case v.scannable():
		return scannable
	}
	return nonConnectable
}

// state is the activity that scanning is.
func (s *scanner) state() activity {
	for _, p := range s.Scan {
		if p.Active {
			return activeScanning
		}
	}
	return passiveScanning
}
