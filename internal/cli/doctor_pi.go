package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// isPi reports whether this is a Raspberry Pi, and which.
func (e *env) isPi() (model string, ok bool) {
	model = e.system.read("/proc/device-tree/model")
	return model, strings.HasPrefix(model, "Raspberry Pi")
}

// notAPi is the finding where a check has nothing to look at.
var notAPi = finding{verdict: fine, what: "this is no Raspberry Pi"}

// bootConfigs are where a Raspberry Pi's firmware finds its configuration: newer systems first.
var bootConfigs = []string{"/boot/firmware/config.txt", "/boot/config.txt"}

// checkBoot looks at a Raspberry Pi's boot configuration.
func (e *env) checkBoot() finding {
	model, ok := e.isPi()
	if !ok {
		return notAPi
	}
	i := slices.IndexFunc(bootConfigs, e.system.exists)
	if i < 0 {
		return finding{warning, model + " without a config.txt that can be read", "it says who has the on-board controller", "mount the boot partition on /boot/firmware"}
	}
	file := bootConfigs[i]
	config := parseBootConfig(e.system.read(file), model)
	takeOut := func(setting string) string { return "take " + setting + " out of " + file + ", and reboot" }
	if overlay, ok := config.overlay("disable-bt", "pi3-disable-bt"); ok {
		return finding{failure, overlay + " switches Bluetooth off", "the on-board controller gets no power", takeOut("dtoverlay=" + overlay)}
	}
	if overlay, ok := config.overlay("miniuart-bt", "pi3-miniuart-bt"); ok {
		return finding{warning, overlay + " puts Bluetooth on the mini-UART", "it has no RTS/CTS, and its rate follows the core's clock: octets are lost",
			takeOut("dtoverlay="+overlay) + "; or add core_freq=250 there, and use 460800 baud at the most"}
	}
	if v := config.parameter("krnbt"); v == "off" || v == "0" || v == "no" || v == "false" {
		return finding{warning, "krnbt=" + v + " keeps the kernel away from the on-board controller", "there is no hci0 for --transport user:0 then",
			"use --transport uart:/dev/serial1?baud=921600&chip=bcm; or " + takeOut("krnbt="+v)}
	}
	return finding{verdict: fine, what: model + ", " + file + " leaves the on-board controller to the kernel"}
}

// bootConfig are the lines of a config.txt that are for one model.
type bootConfig []string // name=value

// parseBootConfig reads a config.txt. Lines below a filter that is not about the model, such as [gpio4=1], are left out,
// since they may or may not hold.
func parseBootConfig(text, model string) bootConfig {
	var c bootConfig
	applies := true
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if filter, ok := strings.CutPrefix(line, "["); ok {
			applies = isForModel(strings.TrimSuffix(filter, "]"), model)
			continue
		}
		if applies && strings.Contains(line, "=") {
			c = append(c, line)
		}
	}
	return c
}

// piFilters says which models a filter of config.txt is for, by how they begin behind "Raspberry Pi ".
var piFilters = map[string][]string{
	"pi0":   {"Zero"},
	"pi0w":  {"Zero W", "Zero 2"},
	"pi02":  {"Zero 2"},
	"pi1":   {"Model ", "Compute Module Rev"},
	"pi2":   {"2 "},
	"pi3":   {"3 ", "Compute Module 3", "Zero 2"},
	"pi3+":  {"3 Model A Plus", "3 Model B Plus"},
	"pi4":   {"4 ", "400", "Compute Module 4"},
	"pi400": {"400"},
	"pi5":   {"5 ", "500", "Compute Module 5"},
	"pi500": {"500"},
	"cm0":   {"Compute Module 0"},
	"cm1":   {"Compute Module Rev"},
	"cm3":   {"Compute Module 3"},
	"cm3+":  {"Compute Module 3 Plus"},
	"cm4":   {"Compute Module 4 "},
	"cm4s":  {"Compute Module 4S"},
	"cm5":   {"Compute Module 5"},
}

func isForModel(filter, model string) bool {
	filter = strings.ToLower(filter)
	name := strings.TrimPrefix(model, "Raspberry Pi ")
	return filter == "all" || slices.ContainsFunc(piFilters[filter], func(begin string) bool { return strings.HasPrefix(name, begin) })
}

// overlay returns the first of some overlays that is loaded.
func (c bootConfig) overlay(names ...string) (string, bool) {
	for _, line := range c {
		value, ok := strings.CutPrefix(line, "dtoverlay=")
		name, _, _ := strings.Cut(value, ",")
		if ok && slices.Contains(names, name) {
			return name, true
		}
	}
	return "", false
}

// parameter returns the last value of a parameter of the device tree, empty for none.
func (c bootConfig) parameter(name string) string {
	last := ""
	for _, line := range c {
		list, ok := strings.CutPrefix(line, "dtparam=")
		if !ok {
			continue
		}
		for p := range strings.SplitSeq(list, ",") {
			if value, ok := strings.CutPrefix(strings.TrimSpace(p), name+"="); ok {
				last = value
			}
		}
	}
	return last
}

// checkPower asks a Raspberry Pi's firmware whether its supply is good enough.
func (e *env) checkPower() finding {
	if _, ok := e.isPi(); !ok {
		return notAPi
	}
	const (
		now   = 1 << 0
		since = 1 << 16
	)
	bits, err := strconv.ParseUint(strings.TrimPrefix(e.system.read("/sys/devices/platform/soc/soc:firmware/get_throttled"), "0x"), 16, 32)
	why, remedy := "controllers lose octets, or reset themselves, when the voltage falls", "use the supply made for this board, and a short cable"
	switch {
	case err != nil:
		return finding{verdict: fine, what: "this kernel does not tell"}
	case bits&now != 0:
		return finding{failure, "the supply's voltage is too low", why, remedy}
	case bits&since != 0:
		return finding{warning, "the supply's voltage was too low since boot", why, remedy}
	}
	return finding{verdict: fine, what: fmt.Sprintf("the supply was good since boot (0x%x)", bits)}
}
