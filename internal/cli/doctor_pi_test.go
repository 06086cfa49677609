package cli

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// pi is a Raspberry Pi with a configuration, and more files.
func pi(model, config string, more ...files) files {
	all := files{"proc/device-tree/model": model + "\x00", "boot/firmware/config.txt": config}
	for _, m := range more {
		maps.Copy(all, m)
	}
	return all
}

const pi4 = "Raspberry Pi 4 Model B Rev 1.4"

func TestCheckBoot(t *testing.T) {
	try(t, (*env).checkBoot, []trial{
		{"no Pi", files{"proc/device-tree/model": "Radxa ROCK 4\x00", "boot/config.txt": "dtoverlay=disable-bt\n"}, fine, "no Raspberry Pi", ""},
		{"no device tree", nil, fine, "no Raspberry Pi", ""},
		{"as it comes", pi(pi4, "# dtoverlay=disable-bt\n[cm4]\notg_mode=1\n[all]\nenable_uart=1\n"), fine, "leaves the on-board controller to the kernel", ""},
		{"without config", files{"proc/device-tree/model": pi4}, warning, "without a config.txt", "mount"},
		{"the old place", files{"proc/device-tree/model": pi4, "boot/config.txt": "dtoverlay=disable-bt\n"}, failure, "disable-bt switches", "/boot/config.txt"},
		{"off", pi(pi4, "dtoverlay=disable-bt\n"), failure, "disable-bt switches Bluetooth off", "take dtoverlay=disable-bt out of /boot/firmware/config.txt"},
		{"off, the old name", pi(pi4, "  dtoverlay=pi3-disable-bt # why not\r\n"), failure, "pi3-disable-bt", "take dtoverlay=pi3-disable-bt out"},
		{"mini-UART", pi(pi4, "dtoverlay=miniuart-bt,krnbt=on\n"), warning, "mini-UART", "core_freq=250"},
		{"krnbt=off", pi(pi4, "dtparam=audio=on,krnbt=off\n"), warning, "krnbt=off keeps the kernel away", "--transport uart:/dev/serial1"},
		{"krnbt=off and on again", pi(pi4, "dtparam=krnbt=off\ndtparam=krnbt=on\n"), fine, "leaves", ""},
		{"for another board", pi(pi4, "[pi5]\ndtoverlay=disable-bt\n[pi4]\ndtparam=audio=on\n"), fine, "leaves", ""},
		{"for this board", pi(pi4, "[pi5]\n[PI4]\ndtoverlay=disable-bt\n"), failure, "switches Bluetooth off", "take"},
		{"for who knows", pi(pi4, "[gpio4=1]\ndtoverlay=disable-bt\n"), fine, "leaves", ""},
		{"a longer name", pi(pi4, "dtoverlay=disable-bt-led\n"), fine, "leaves", ""},
	})
}

func TestIsForModel(t *testing.T) {
	for model, want := range map[string][]string{
		"Raspberry Pi 4 Model B Rev 1.4":             {"all", "pi4"},
		"Raspberry Pi 400 Rev 1.0":                   {"all", "pi4", "pi400"},
		"Raspberry Pi Compute Module 4 Rev 1.0":      {"all", "cm4", "pi4"},
		"Raspberry Pi Compute Module 4S Rev 1.0":     {"all", "cm4s", "pi4"},
		"Raspberry Pi 3 Model B Rev 1.2":             {"all", "pi3"},
		"Raspberry Pi 3 Model B Plus Rev 1.3":        {"all", "pi3", "pi3+"},
		"Raspberry Pi Compute Module 3 Plus Rev 1.0": {"all", "cm3", "cm3+", "pi3"},
		"Raspberry Pi Zero W Rev 1.1":                {"all", "pi0", "pi0w"},
		"Raspberry Pi Zero 2 W Rev 1.0":              {"all", "pi0", "pi02", "pi0w", "pi3"},
		"Raspberry Pi 5 Model B Rev 1.0":             {"all", "pi5"},
		"Raspberry Pi 500 Rev 1.0":                   {"all", "pi5", "pi500"},
		"Raspberry Pi Model B Plus Rev 1.2":          {"all", "pi1"},
	} {
		var got []string
		for filter := range piFilters {
			if isForModel(filter, model) {
				got = append(got, filter)
			}
		}
		got = append(got, "all")
		slices.Sort(got)
		if !slices.Equal(got, want) || !isForModel("all", model) || isForModel("none", model) {
			t.Errorf("%s: %v, want %v", model, got, want)
		}
	}
}

func TestCheckPower(t *testing.T) {
	throttled := func(bits string) files {
		return pi(pi4, "", files{"sys/devices/platform/soc/soc:firmware/get_throttled": bits + "\n"})
	}
	try(t, (*env).checkPower, []trial{
		{"no Pi", nil, fine, "no Raspberry Pi", ""},
		{"not told", pi(pi4, ""), fine, "does not tell", ""},
		{"good", throttled("0"), fine, "was good", ""},
		{"hot only", throttled("80008"), fine, "was good since boot (0x80008)", ""},
		{"low", throttled("50005"), failure, "is too low", "supply"},
		{"was low", throttled("0x50000"), warning, "was too low", "supply"},
		{"nonsense", throttled("x"), fine, "does not tell", ""},
	})
}

func TestCheckUART(t *testing.T) {
	onboard := func(more files) files {
		all := files{"dev/serial1": "-> ttyAMA0", "dev/ttyAMA0": "", "proc/cmdline": "console=tty1 root=/dev/mmcblk0p2\n"}
		maps.Copy(all, more)
		return all
	}
	getty := files{"proc/7/comm": "agetty\n", "proc/7/cmdline": "/sbin/agetty\x00ttyAMA0\x00vt220\x00"}
	attach := files{"proc/31/comm": "hciattach\n", "proc/31/fd/3": "-> /dev/ttyAMA0"}
	other := files{"proc/32/comm": "minicom\n", "proc/32/fd/3": "-> /dev/ttyAMA0"}
	console := files{"proc/cmdline": "console=ttyAMA0,115200 console=tty1\n"}
	// Without --transport it is a warning: the line may not be wanted.
	tests := []trial{
		{"used by nobody", onboard(nil), fine, "/dev/serial1 (ttyAMA0) is used by nobody", ""},
		{"console", onboard(console), warning, "/dev/serial1 (ttyAMA0) is the kernel's console", "console=ttyAMA0"},
		{"getty", onboard(getty), warning, "used by agetty (pid 7)", "sudo systemctl mask --now serial-getty@ttyAMA0.service"},
		{"hciattach", onboard(attach), warning, "used by hciattach (pid 31)", "mask --now hciuart.service"},
		{"somebody", onboard(other), warning, "used by minicom (pid 32)", "sudo kill 32"},
	}
	try(t, (*env).checkUART, append(tests,
		trial{"none", nil, fine, "no serial line is named", ""},
		trial{"the kernel's", onboard(files{"sys/bus/serial/devices/serial0-0/driver": "-> ../../../../bus/serial/drivers/hci_uart_bcm"}), fine, "(hci_uart_bcm): use --transport user:0", ""},
		trial{"the kernel's, for something else", onboard(files{"sys/bus/serial/devices/serial0-0/driver": "-> ../../../../bus/serial/drivers/gnss"}), fine, "used by nobody", ""},
	))
	named := func(path string) func(*env) finding {
		return func(e *env) finding {
			e.transport = "uart:" + path + "?baud=921600"
			return e.checkUART()
		}
	}
	for i := range tests {
		tests[i].what = strings.ReplaceAll(tests[i].what, "/dev/serial1 (ttyAMA0)", "/dev/ttyAMA0")
		if tests[i].verdict == warning {
			tests[i].verdict = failure
		}
	}
	try(t, named("/dev/ttyAMA0"), tests)
	usb := files{"dev/ttyUSB0": "", "proc/9/comm": "ModemManager\n"}
	try(t, named("/dev/ttyUSB0"), []trial{{"ModemManager", usb, warning, "ModemManager (pid 9) may talk to /dev/ttyUSB0", "mask --now ModemManager"}})
	try(t, named("/dev/ttyS9"), []trial{{"not there", onboard(nil), failure, "there is no /dev/ttyS9", "ls -l"}})
}
