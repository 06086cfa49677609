package virtual

import (
	"crypto/aes"
	"encoding/binary"
	"slices"

	"github.com/jelling-ble/jelling/hci"
)

var basicCommands = map[hci.Opcode]command{
	hci.OpReset:                        {length: 0, octet: 5, bit: 7, complete: (*Controller).hciReset},
	hci.OpSetEventMask:                 {length: 8, octet: 5, bit: 6, complete: (*Controller).setEventMask},
	hci.OpWriteLEHostSupport:           {length: 2, octet: 24, bit: 6, complete: (*Controller).writeLEHostSupport},
	hci.OpReadLocalVersionInformation:  {length: 0, octet: 14, bit: 3, complete: (*Controller).readLocalVersion},
	hci.OpReadLocalSupportedCommands:   {length: 0, octet: 14, bit: 4, complete: (*Controller).readLocalCommands},
	hci.OpReadLocalSupportedFeatures:   {length: 0, octet: 14, bit: 5, complete: (*Controller).readLocalFeatures},
	hci.OpReadBufferSize:               {length: 0, octet: 14, bit: 7, complete: (*Controller).readBufferSize},
	hci.OpReadBDADDR:                   {length: 0, octet: 15, bit: 1, complete: (*Controller).readBDADDR},
	hci.OpLESetEventMask:               {length: 8, octet: 25, bit: 0, complete: (*Controller).leSetEventMask},
	hci.OpLEReadBufferSize:             {length: 0, octet: 25, bit: 1, complete: (*Controller).leReadBufferSize},
	hci.OpLEReadLocalSupportedFeatures: {length: 0, octet: 25, bit: 2, complete: (*Controller).leReadLocalFeatures},
	hci.OpLESetRandomAddress:           {length: 6, octet: 25, bit: 4, complete: (*Controller).setRandomAddress},
	hci.OpLEEncrypt:                    {length: 32, octet: 27, bit: 6, complete: (*Controller).leEncrypt},
	hci.OpLERand:                       {length: 0, octet: 27, bit: 7, complete: (*Controller).leRand},
	hci.OpLEReadSupportedStates:        {length: 0, octet: 28, bit: 3, complete: (*Controller).leReadSupportedStates},
}

// What every controller says of itself.
const (
	company          = 0xFFFF // for internal use
	subversion       = 0x0001
	supportedStates  = 0x0000_03FF_FFFF_FFFF // every one (Vol 4, Part E, 7.8.27)
	classicACLLength = 1021
)

func (c *Controller) hciReset(_, r []byte) ([]byte, hci.Status) {
	c.reset()
	return r, hci.Success
}

func (c *Controller) setEventMask(p, r []byte) ([]byte, hci.Status) {
	c.eventMask = binary.LittleEndian.Uint64(p)
	return r, hci.Success
}

func (c *Controller) leSetEventMask(p, r []byte) ([]byte, hci.Status) {
	c.leEventMask = binary.LittleEndian.Uint64(p)
	return r, hci.Success
}

func (c *Controller) writeLEHostSupport(p, r []byte) ([]byte, hci.Status) {
	if p[0] > 1 {
		return r, hci.InvalidHCICommandParameters
	}
	return r, hci.Success
}

func (c *Controller) readLocalVersion(_, r []byte) ([]byte, hci.Status) {
	return hci.LocalVersion{HCIVersion: c.config.Version, HCISubversion: subversion, LMPVersion: c.config.Version, Company: company,
		LMPSubversion: subversion}.AppendTo(r), hci.Success
}

func (c *Controller) readLocalCommands(_, r []byte) ([]byte, hci.Status) {
	var all hci.SupportedCommands
	for _, cmd := range c.commands {
		all[cmd.octet] |= 1 << cmd.bit
	}
	return append(r, all[:]...), hci.Success
}

func (c *Controller) readLocalFeatures(_, r []byte) ([]byte, hci.Status) {
	features := hci.LMPFeatureLESupported
	if !c.config.SharedBuffers {
		features |= hci.LMPFeatureBREDRNotSupported
	}
	return binary.LittleEndian.AppendUint64(r, features), hci.Success
}

// readBufferSize answers with LE's buffers where they are shared, and else as if there were others for BR/EDR, which
// a host must not take for LE's.
func (c *Controller) readBufferSize(_, r []byte) ([]byte, hci.Status) {
	size := hci.BufferSize{ACLLength: classicACLLength, ACLPackets: uint16(c.config.ACLBuffers) + 1}
	if c.config.SharedBuffers {
		size = hci.BufferSize{ACLLength: uint16(c.config.ACLLength), ACLPackets: uint16(c.config.ACLBuffers)}
	}
	return size.AppendTo(r), hci.Success
}

func (c *Controller) leReadBufferSize(_, r []byte) ([]byte, hci.Status) {
	var size hci.LEBufferSize
	if !c.config.SharedBuffers {
		size = hci.LEBufferSize{ACLLength: uint16(c.config.ACLLength), ACLPackets: uint8(c.config.ACLBuffers)}
	}
	return size.AppendTo(r), hci.Success
}

func (c *Controller) readBDADDR(_, r []byte) ([]byte, hci.Status) {
	return append(r, c.address.Octets[:]...), hci.Success
}

func (c *Controller) leReadLocalFeatures(_, r []byte) ([]byte, hci.Status) {
	return binary.LittleEndian.AppendUint64(r, c.features()), hci.Success
}

func (c *Controller) leReadSupportedStates(_, r []byte) ([]byte, hci.Status) {
	return binary.LittleEndian.AppendUint64(r, c.config.States), hci.Success
}

// setRandomAddress is refused while the address is in use (Vol 4, Part E, 7.8.4).
func (c *Controller) setRandomAddress(p, r []byte) ([]byte, hci.Status) {
	if c.advertiser.on || c.scanner.on || c.initiator.on {
		return r, hci.CommandDisallowed
	}
	copy(c.random[:], p)
	return r, hci.Success
}

// own is the address of an Own_Address_Type where none is made by the resolving list: 2 and 3 are what they fall
// back to; a random address has to have been set.
func (c *Controller) own(kind byte) (hci.Address, hci.Status) {
	switch {
	case kind > 3:
		return hci.Address{}, hci.InvalidHCICommandParameters
	case kind&1 == 0:
		return c.address, hci.Success
	case c.random == [6]byte{}:
		return hci.Address{}, hci.InvalidHCICommandParameters
	}
	return hci.Address{Type: hci.Random, Octets: c.random}, hci.Success
}

// leEncrypt is AES-128; the cipher's octets are the other way round.
func (c *Controller) leEncrypt(p, r []byte) ([]byte, hci.Status) {
	var key, text [16]byte
	copy(key[:], p)
	copy(text[:], p[16:])
	slices.Reverse(key[:])
	slices.Reverse(text[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return r, hci.UnspecifiedError
	}
	block.Encrypt(text[:], text[:])
	slices.Reverse(text[:])
	return append(r, text[:]...), hci.Success
}

func (c *Controller) leRand(_, r []byte) ([]byte, hci.Status) {
	return binary.LittleEndian.AppendUint64(r, c.air.random.Uint64()), hci.Success
}
