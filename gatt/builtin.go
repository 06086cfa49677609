package gatt

import (
	"context"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/att"
)

// PreferredParameters are the connection parameters that a peripheral likes (Vol 3, Part C, 12.3). The zero value has no preference.
type PreferredParameters struct {
	IntervalMin time.Duration // 7.5 ms to 4 s; if zero, none is preferred
	IntervalMax time.Duration // IntervalMin to 4 s; if zero, none is preferred
	Latency     int           // connection events that may be left out, 0 to 499
	Timeout     time.Duration // of supervision, 100 ms to 32 s; if zero, none is preferred
}

// noPreference is a field without a preference.
const noPreference = 0xFFFF

// encode writes the value of the characteristic.
func (p PreferredParameters) encode() ([]byte, error) {
	const interval, timeout = 1250 * time.Microsecond, 10 * time.Millisecond
	units := func(d, unit, shortest, longest time.Duration) (uint16, error) {
		switch {
		case d == 0:
			return noPreference, nil
		case d < shortest || d > longest:
			return 0, fmt.Errorf("gatt: preferred connection parameters: %v, want %v to %v", d, shortest, longest)
		}
		return uint16(d / unit), nil
	}
	low, err := units(p.IntervalMin, interval, 6*interval, 3200*interval)
	if err != nil {
		return nil, err
	}
	high, err := units(p.IntervalMax, interval, max(p.IntervalMin, 6*interval), 3200*interval)
	if err != nil {
		return nil, err
	}
	supervision, err := units(p.Timeout, timeout, 10*timeout, 3200*timeout)
	if err != nil {
		return nil, err
	}
	if p.Latency < 0 || p.Latency > 499 {
		return nil, fmt.Errorf("gatt: preferred connection parameters: latency %d, want 0 to 499", p.Latency)
	}
	b := le.AppendUint16(le.AppendUint16(nil, low), high)
	return le.AppendUint16(le.AppendUint16(b, uint16(p.Latency)), supervision), nil
}

// own are the characteristics that the server brings itself; nil where it does not.
type own struct {
	name           *Characteristic
	serviceChanged *Characteristic
	hash           *Characteristic
}

// builtin declares the GAP and GATT services (Vol 3, Part C, 12; Part G, 7). They come first, so that what a client has to find again stays
// where it is whatever the rest becomes.
func builtin(cfg *ServerConfig) ([]*Service, own, error) {
	o := own{
		name:           &Characteristic{UUID: DeviceName, Properties: Read, Value: []byte(cfg.Name)},
		serviceChanged: &Characteristic{UUID: ServiceChanged, Properties: Indicate},
		hash:           &Characteristic{UUID: DatabaseHash, Properties: Read},
	}
	gap := &Service{UUID: GenericAccess, Characteristics: []*Characteristic{
		o.name,
		{UUID: Appearance, Properties: Read, Value: le.AppendUint16(nil, cfg.Appearance)},
	}}
	if cfg.Preferred != (PreferredParameters{}) {
		value, err := cfg.Preferred.encode()
		if err != nil {
			return nil, own{}, err
		}
		gap.Characteristics = append(gap.Characteristics,
			&Characteristic{UUID: PeripheralPreferredConnectionParameters, Properties: Read, Value: value})
	}
	if cfg.AddressResolution {
		gap.Characteristics = append(gap.Characteristics, &Characteristic{UUID: CentralAddressResolution, Properties: Read, Value: []byte{1}})
	}
	return []*Service{gap, {UUID: GenericAttribute, Characteristics: []*Characteristic{
		o.serviceChanged,
		{UUID: ClientSupportedFeatures, Properties: Read | Write, Read: readFeatures, Write: writeFeatures},
		o.hash,
		{UUID: ServerSupportedFeatures, Properties: Read, Value: []byte{serverFeatures(cfg)}},
	}}}, o, nil
}

// featureEnhancedServer is the bit of the Server Supported Features (Vol 3, Part G, 7.4).
const featureEnhancedServer = 0x01

func serverFeatures(cfg *ServerConfig) byte {
	if cfg.Enhanced {
		return featureEnhancedServer
	}
	return 0
}

// The bits of the Client Supported Features that a server heeds; those reserved are ignored (Vol 3, Part G, 7.2).
const (
	featureRobustCaching   = 0x01
	featureEnhancedBearer  = 0x02
	featureMultipleNotify  = 0x04
	knownFeatures          = featureRobustCaching | featureEnhancedBearer | featureMultipleNotify
	supportedFeatures      = featureRobustCaching | featureMultipleNotify // of our client
	featuresLen            = 1
	serviceChangedValueLen = 4
)

// readFeatures gives a client what it has written.
func readFeatures(_ context.Context, from *ServerConn) ([]byte, error) {
	return []byte{from.features()}, nil
}

// writeFeatures takes a client's features. It may not take back what it has said.
func writeFeatures(_ context.Context, from *ServerConn, value []byte) error {
	var bits byte // octets that are not there are zeros
	if len(value) > 0 {
		bits = value[0] & knownFeatures
	}
	if !from.setFeatures(bits) {
		return att.ErrValueNotAllowed
	}
	return nil
}
