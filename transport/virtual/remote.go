package virtual

import (
	"github.com/jelling-ble/jelling/hci"
)

var remoteCommands = map[hci.Opcode]command{
	hci.OpReadRemoteVersionInformation: {length: 2, octet: 2, bit: 7, status: (*Controller).readRemoteVersion},
	hci.OpLEReadRemoteFeatures:         {length: 2, octet: 27, bit: 5, status: (*Controller).readRemoteFeatures},
}

// remoteState is what an end has done to know the other side.
type remoteState struct {
	features     bool // the host waits for the features
	version      bool // the host waits for the version
	sentVersion  bool // LL_VERSION_IND goes once in each direction (Vol 6, Part B, 5.1.5)
	knownVersion bool
}

// linkOf finds the link of a command that has nothing but a handle.
func (c *Controller) linkOf(op hci.Opcode, p []byte) (*end, hci.Status) {
	q, err := hci.ParseHandleCommand(op, p)
	if err != nil {
		return nil, hci.InvalidHCICommandParameters
	}
	if e := c.find(q.Handle); e != nil {
		return e, hci.Success
	}
	return nil, hci.UnknownConnectionIdentifier
}

// readRemoteFeatures asks for the features (Vol 6, Part B, 5.1.4).
func (c *Controller) readRemoteFeatures(p []byte) hci.Status {
	e, status := c.linkOf(hci.OpLEReadRemoteFeatures, p)
	switch {
	case status != hci.Success:
		return status
	case e.remote.features:
		return hci.CommandDisallowed
	case e.role == hci.Peripheral && !c.has(hci.FeaturePeripheralInitiatedFeaturesExchange):
		return hci.UnsupportedFeatureOrParameter
	}
	e.remote.features = true
	switch {
	case e.role == hci.Central:
		e.queue(pdu{op: llFeatureReq})
	case !e.peer().c.has(hci.FeaturePeripheralInitiatedFeaturesExchange):
		c.afterwards(func() { e.giveFeatures(hci.UnsupportedRemoteFeature, 0) })
	default:
		e.queue(pdu{op: llPeripheralFeatureReq})
	}
	return hci.Success
}

func (e *end) receiveFeatureReq(pdu) {
	e.queue(pdu{op: llFeatureRsp, features: e.c.features()})
}

func (e *end) receiveFeatureRsp(p pdu) { e.giveFeatures(hci.Success, p.features) }

func (e *end) giveFeatures(status hci.Status, features uint64) {
	e.remote.features = false
	e.c.give(hci.LEReadRemoteFeaturesComplete{Status: status, Handle: e.handle, Features: features})
}

func (c *Controller) readRemoteVersion(p []byte) hci.Status {
	e, status := c.linkOf(hci.OpReadRemoteVersionInformation, p)
	switch {
	case status != hci.Success:
		return status
	case e.remote.version:
		return hci.CommandDisallowed
	}
	e.remote.version = true
	if e.remote.knownVersion {
		c.afterwards(e.giveVersion)
	} else {
		e.sendVersion()
	}
	return hci.Success
}

func (e *end) sendVersion() {
	if !e.remote.sentVersion {
		e.remote.sentVersion = true
		e.queue(pdu{op: llVersionInd})
	}
}

func (e *end) receiveVersion(pdu) {
	e.remote.knownVersion = true
	e.sendVersion()
	if e.remote.version {
		e.giveVersion()
	}
}

func (e *end) giveVersion() {
	e.remote.version = false
	e.c.give(hci.ReadRemoteVersionInformationComplete{Handle: e.handle, Version: e.peer().c.config.Version, Company: company, Subversion: subversion})
}
