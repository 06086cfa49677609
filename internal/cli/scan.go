package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
)

func newScan(e *env) *cobra.Command {
	var passive, all bool
	cmd := &cobra.Command{
		Use:   "scan",
		Short: "List what advertises nearby",
		Long: `Scan lists what advertises nearby, each device once, for --timeout (10 s if not given, 0 until interrupted).
Nothing heard is no failure.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := gap.ScanConfig{Passive: passive}
			if all {
				cfg.Duplicates = gap.ReportAll
			}
			return e.scan(cmd.Context(), cfg, all)
		},
	}
	cmd.Flags().BoolVar(&passive, "passive", false, "do not ask devices for their scan response")
	cmd.Flags().BoolVar(&all, "all", false, "every advertisement, not each device once")
	return cmd
}

var errScanOver = errors.New("scan over")

func (e *env) scan(ctx context.Context, cfg gap.ScanConfig, all bool) error {
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
	seen := make(sightings)
	for a, err := range h.Scan(scanCtx, cfg) {
		if err != nil {
			return err
		}
		if all || seen.isNews(&a) {
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
		fields{{"rssi", a.RSSI}, {"name", name}, {"services", services}, {"address_type", a.Address.Type.String()},
			{"identity", a.Identity.Text()}, {"connectable", a.Connectable}},
		strings.TrimRight(fmt.Sprintf("%-24s %4d dBm  %-24s %s", a.Address.Text(), a.RSSI, name, strings.Join(services, " ")), " "))
}
