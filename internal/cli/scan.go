package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt/assigned"
	"github.com/jelling-ble/jelling/hci"
)

func newScan(e *env) *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan",
		Short: "List what advertises nearby",
		Long: `Scan lists what advertises nearby, each device once, for --timeout (10 s if not given, 0 until interrupted).
Nothing heard is no failure. An advertisement and the scan response to it are one line, but with --all.

What --peer, --service, --name, --name-prefix and --company say is a filter; of what is given more than once one is
enough, and of what is given, each has to be there.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.config()
			if err != nil {
				return usageError{err}
			}
			return e.scan(cmd.Context(), cfg)
		},
	}
	f.register(cmd)
	return cmd
}

// scanFlags are what the command line says.
type scanFlags struct {
	passive, all, changes            bool
	again, interval, window          time.Duration
	phys, peers, services, companies []string
	filter                           gap.ScanFilter
}

func (f *scanFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.passive, "passive", false, "do not ask devices for their scan response")
	flags.BoolVar(&f.all, "all", false, "every advertisement, not each device once")
	flags.BoolVar(&f.changes, "changes", false, "each device whenever what it says has changed")
	flags.DurationVar(&f.again, "again", 0, "each device again after so long, if it is there still")
	flags.StringSliceVar(&f.phys, "phy", []string{"1m"}, "where to listen: 1m, coded, or both")
	flags.DurationVar(&f.interval, "interval", 0, "listen once in so long, for --window (default 100ms)")
	flags.DurationVar(&f.window, "window", 0, "listen for so long in every --interval (default 30ms: the rest is for Wi-Fi)")
	flags.StringSliceVar(&f.peers, "peer", nil, "only this device, by its address; may be given more than once")
	flags.StringSliceVar(&f.services, "service", nil, "only who names this service, or has data of it, by UUID or assigned name; may be given more than once")
	flags.StringSliceVar(&f.companies, "company", nil, "only who has data of this manufacturer, like 0x004c; may be given more than once")
	flags.StringVar(&f.filter.Name, "name", "", "only who has this name")
	flags.StringVar(&f.filter.NamePrefix, "name-prefix", "", "only whose name begins so")
	flags.IntVar(&f.filter.MinRSSI, "rssi", 0, "only what is at least so strong, in dBm, like -70")
	flags.BoolVar(&f.filter.Connectable, "connectable", false, "only what can be connected to")
}

// isScanTime tells whether d can be a scan interval or window (Vol 4, Part E, 7.8.10), or is not given.
func isScanTime(d time.Duration) bool {
	return d == 0 || d >= 2500*time.Microsecond && d <= 10240*time.Millisecond
}

// config is the flags as gap wants them.
func (f *scanFlags) config() (gap.ScanConfig, error) {
	cfg := gap.ScanConfig{Passive: f.passive, Interval: f.interval, Window: f.window, Again: f.again, Merge: !f.all, Filter: f.filter}
	switch {
	case f.all && (f.changes || f.again != 0):
		return cfg, errors.New("--all leaves nothing for --changes and --again to say")
	case f.again < 0:
		return cfg, fmt.Errorf("--again %v: a time is not negative", f.again)
	case !isScanTime(f.interval):
		return cfg, fmt.Errorf("--interval %v: want 2.5ms to 10.24s", f.interval)
	case !isScanTime(f.window):
		return cfg, fmt.Errorf("--window %v: want 2.5ms to 10.24s", f.window)
	case f.interval != 0 && f.window > f.interval:
		return cfg, fmt.Errorf("--window %v is longer than --interval %v", f.window, f.interval)
	case f.filter.MinRSSI < -127 || f.filter.MinRSSI > 20:
		return cfg, fmt.Errorf("--rssi %d: want -127 to 20 dBm, like -70", f.filter.MinRSSI)
	case f.all:
		cfg.Duplicates = gap.ReportAll
	case f.changes:
		cfg.Duplicates = gap.ReportChanges
	}
	for _, text := range f.phys {
		phy, ok := map[string]hci.PHY{"1m": hci.LE1M, "coded": hci.LECoded}[text]
		if !ok {
			return cfg, fmt.Errorf("--phy %s: want 1m, coded, or both as 1m,coded", text)
		}
		cfg.PHYs |= hci.PHYsOf(phy)
	}
	for _, text := range f.peers {
		a, typed, err := hci.ParseAddress(text)
		if err != nil {
			return cfg, fmt.Errorf("--peer: %w", err)
		}
		if cfg.Filter.Peers = append(cfg.Filter.Peers, a); !typed {
			cfg.Filter.Peers = append(cfg.Filter.Peers, hci.Address{Type: a.Type ^ hci.Random, Octets: a.Octets})
		}
	}
	for _, text := range f.services {
		u, err := assigned.UUID(assigned.Service, text)
		if err != nil {
			return cfg, fmt.Errorf("--service: %w", err)
		}
		cfg.Filter.Services = append(cfg.Filter.Services, u)
	}
	for _, text := range f.companies {
		company, err := strconv.ParseUint(text, 0, 16)
		if err != nil {
			return cfg, fmt.Errorf("--company %s: want a number of 16 bits, like 0x004c", text)
		}
		cfg.Filter.Companies = append(cfg.Filter.Companies, uint16(company))
	}
	return cfg, nil
}

var errScanOver = errors.New("scan over")

func (e *env) scan(ctx context.Context, cfg gap.ScanConfig) error {
	h, err := e.openHost(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	length := e.timeout
	if !e.timeoutOn {
		length = 10 * time.Second
	}
	scanCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if length > 0 {
		defer time.AfterFunc(length, func() { cancel(errScanOver) }).Stop()
	}
	seen, eachOnce := make(sightings), cfg.Duplicates == gap.ReportOnce && cfg.Again == 0
	for a, err := range h.Scan(scanCtx, cfg) {
		if err != nil {
			return err
		}
		if !eachOnce || seen.isNews(&a) {
			e.printAdvertisement(a)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// sightings is what scan remembers of each address on air.
type sightings map[hci.Address]*sighting

type sighting struct {
	data  gap.ADStructures // of the first advertisement and the first scan response that said something
	named bool
}

// maxSightings bounds what is remembered, since addresses cost an attacker nothing.
const maxSightings = 10_000

// isNews tells whether a has not been heard before, or has told its name for the first time; then a's data is
// completed by what else the device has said.
func (s sightings) isNews(a *gap.Advertisement) bool {
	old, known := s[a.Address]
	if !known {
		if len(s) < maxSightings {
			s[a.Address] = &sighting{a.Data, a.Data.Name() != ""}
		}
		return true
	}
	if old.named || a.Data.Name() == "" {
		return false
	}
	old.named = true
	a.Data = append(a.Data, old.data...)
	return true
}

func (e *env) printAdvertisement(a gap.Advertisement) {
	services := []string{}
	for _, u := range a.Data.Services() {
		services = append(services, u.String())
	}
	name := a.Data.Name()
	e.out.data(time.Now(), "advertisement", a.Address.String(),
		append(fields{{"rssi", a.RSSI}, {"name", name}, {"services", services}, {"address_type", a.Address.Type.String()},
			{"identity", a.Identity.Text()}, {"connectable", a.Connectable}}, moreOf(a)...),
		strings.TrimRight(fmt.Sprintf("%-24s %4d dBm  %-24s %s", a.Address.Text(), a.RSSI, name, strings.Join(services, " ")), " "))
}

// moreOf are the fields of what an advertisement has besides, each where it has it.
func moreOf(a gap.Advertisement) (f fields) {
	put := func(has bool, name string, value any) {
		if has {
			f = append(f, field{name, value})
		}
	}
	put(a.ScanResponse, "scan_response", true)
	put(a.Directed, "directed_to", a.Target.Text())
	put(!a.Legacy, "extended", true)
	put(a.PrimaryPHY != hci.LE1M, "phy", a.PrimaryPHY.String())
	put(a.SecondaryPHY != 0, "secondary_phy", a.SecondaryPHY.String())
	put(a.SID != hci.UnknownSID, "sid", a.SID)
	put(a.PeriodicInterval != 0, "periodic_interval_ms", float64(a.PeriodicInterval)/float64(time.Millisecond))
	put(a.Truncated, "truncated", true)
	if power, ok := a.Data.TXPower(); ok {
		put(true, "tx_power", power)
	} else {
		put(a.TXPower != int(hci.UnknownPower), "tx_power", a.TXPower)
	}
	appearance, ok := a.Data.Appearance()
	put(ok, "appearance", appearance)
	uri, ok := a.Data.URI()
	put(ok, "uri", uri)
	broadcast := a.Data.BroadcastName()
	put(broadcast != "", "broadcast_name", broadcast)
	manufacturers, serviceData := fields{}, fields{}
	for company, data := range a.Data.AllManufacturers {
		manufacturers = manufacturers.with(fmt.Sprintf("%04x", company), hex.EncodeToString(data))
	}
	for u, data := range a.Data.AllServiceData {
		serviceData = serviceData.with(u.String(), hex.EncodeToString(data))
	}
	put(len(manufacturers) > 0, "manufacturer_data", manufacturers)
	put(len(serviceData) > 0, "service_data", serviceData)
	put(true, "data", hex.EncodeToString(a.Data))
	return f
}

// with is the fields and one more, unless there is one of that name.
func (f fields) with(name string, value any) fields {
	if slices.ContainsFunc(f, func(one field) bool { return one.name == name }) {
		return f
	}
	return append(f, field{name, value})
}
