package hci

import "testing"

func TestPHY(t *testing.T) {
	runCodec(t, []codecCase{
		{name: "LE Read PHY", layout: "Connection_Handle 4000", value: LEReadPHY(0x40), parse: parseHandleCommand(OpLEReadPHY)},
		{name: "LE Read PHY: return", layout: "Connection_Handle 4000 TX_PHY 02 RX_PHY 03",
			value: ConnectionPHY{0x40, LE2M, LECoded}, parse: parser(ParseConnectionPHY)},
		{name: "LE Set Default PHY", layout: "All_PHYs 01 TX_PHYs 00 RX_PHYs 06",
			value: LESetDefaultPHY{PHYPreference{1, 0, PHYsOf(LE2M, LECoded)}}, parse: parser(ParseLESetDefaultPHY)},
		{name: "LE Set PHY", layout: "Connection_Handle 4000 All_PHYs 02 TX_PHYs 04 RX_PHYs 01 PHY_Options 0200",
			value: LESetPHY{0x40, PHYPreference{2, PHYsOf(LECoded), PHYsOf(LE1M)}, 2}, parse: parser(ParseLESetPHY)},
		{name: "LE PHY Update Complete", prefix: "0C", layout: "Status 23 Connection_Handle 4000 TX_PHY 01 RX_PHY 02",
			value: LEPHYUpdateComplete{LLProcedureCollision, ConnectionPHY{0x40, LE1M, LE2M}}, parse: parser(ParseLEPHYUpdateComplete)},
	})
}

func TestPHYs(t *testing.T) {
	s := PHYsOf(LE1M, LECoded, 0, 9)
	if s != 5 || !s.Has(LE1M) || s.Has(LE2M) || !s.Has(LECoded) || s.Has(0) || s.Has(9) {
		t.Errorf("%b", s)
	}
	for phy, want := range map[PHY]string{LE1M: "LE 1M", LE2M: "LE 2M", LECoded: "LE Coded", LECodedS2: "LE Coded S=2", 9: "PHY 0x09"} {
		if phy.String() != want {
			t.Errorf("%q, want %q", phy, want)
		}
	}
}
