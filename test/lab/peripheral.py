"""BlueZ as the peripheral: an oximeter whose readings need encryption.

It registers with bluetoothd an agent that says yes, a service with one characteristic and an advertisement,
all on one adapter, and then does what it is told: one word per line on standard input, one JSON object per
line on standard output.

    peripheral.py ADAPTER [CAPABILITY [no]]      ADAPTER is hci1, CAPABILITY what the agent can do (NoInputNoOutput);
                                                 "no" is its answer to numbers that are to be compared

    in    remove       forget every bonded or connected device (which disconnects it)
          passkey N    the agent enters it, when it is asked or has been
          disconnect   disconnect every connected device
          quit         leave
    out   {"event": "ready", "address": "00:AA:01:01:00:24"}
          {"event": "device", "path": ..., "connected": true, "paired": true}     what is new about a device
          {"event": "agent", "asked": "authorization"}     the agent was asked, and said yes
          {"event": "agent", "asked": "passkey"}           it is to enter one
          {"event": "agent", "asked": "confirmation", "number": "012345"}     it was shown a number, as "display" a passkey
          {"event": "notifying", "on": true}               somebody (un)subscribed
          {"event": "done", "command": "remove", "count": 1}
"""

import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

from bluez import BLUEZ, OBJECTS, PROPERTIES, Agent, interface, say

SERVICE = "0000cd00-0000-1000-8000-00805f9b34fb"
READINGS = "0000cd01-0000-1000-8000-00805f9b34fb"
INTERVAL_MS = 100


class Exported(dbus.service.Object):
    """An object whose properties BlueZ reads."""

    def __init__(self, bus, path, interface, **properties):
        super().__init__(bus, path)
        self.path = dbus.ObjectPath(path)
        self.interface = interface
        self.properties = properties

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface):
        return self.properties if interface == self.interface else {}

    @dbus.service.signal(PROPERTIES, signature="sa{sv}as")
    def PropertiesChanged(self, interface, changed, invalidated):
        pass


class Advertisement(Exported):
    def __init__(self, bus):
        super().__init__(
            bus, "/lab/advertisement", "org.bluez.LEAdvertisement1",
            Type="peripheral", LocalName="Lab oximeter", ServiceUUIDs=[SERVICE],
        )

    @dbus.service.method("org.bluez.LEAdvertisement1", in_signature="", out_signature="")
    def Release(self):
        say("advertisement", on=False)


class Readings(Exported):
    """Counts, in four octets, and tells every subscriber ten times a second."""

    INTERFACE = "org.bluez.GattCharacteristic1"

    def __init__(self, bus, service):
        super().__init__(
            bus, service.path + "/readings", self.INTERFACE,
            UUID=READINGS, Service=service.path, Flags=["encrypt-read", "notify", "encrypt-notify"],
        )
        self.count = 0
        self.timer = None

    def reading(self):
        return dbus.Array(self.count.to_bytes(4, "little"), signature="y")

    def tick(self):
        self.count += 1
        self.PropertiesChanged(self.INTERFACE, {"Value": self.reading()}, [])
        return True

    @dbus.service.method(INTERFACE, in_signature="a{sv}", out_signature="ay")
    def ReadValue(self, options):
        return self.reading()

    @dbus.service.method(INTERFACE, in_signature="", out_signature="")
    def StartNotify(self):
        say("notifying", on=True)
        if self.timer is None:
            self.timer = GLib.timeout_add(INTERVAL_MS, self.tick)

    @dbus.service.method(INTERFACE, in_signature="", out_signature="")
    def StopNotify(self):
        say("notifying", on=False)
        if self.timer is not None:
            GLib.source_remove(self.timer)
            self.timer = None


class Application(dbus.service.Object):
    def __init__(self, bus):
        super().__init__(bus, "/lab")
        service = Exported(bus, "/lab/oximeter", "org.bluez.GattService1", UUID=SERVICE, Primary=True)
        self.exported = [service, Readings(bus, service)]

    @dbus.service.method(OBJECTS, in_signature="", out_signature="a{oa{sa{sv}}}")
    def GetManagedObjects(self):
        return {e.path: {e.interface: e.properties} for e in self.exported}


class Peripheral:
    def __init__(self, bus, adapter, capability, loop):
        self.bus = bus
        self.capability = capability
        self.loop = loop
        self.path = "/org/bluez/" + adapter
        self.known = {}
        self.agent = Agent(bus, Agent.PATH)
        self.application = Application(bus)
        self.advertisement = Advertisement(bus)
        self.waiting = 2
        bus.add_signal_receiver(self.changed, "PropertiesChanged", PROPERTIES, BLUEZ, path_keyword="path")

    def start(self):
        self.agent.register(self.bus, self.capability)
        adapter = interface(self.bus, self.path, PROPERTIES)
        adapter.Set("org.bluez.Adapter1", "Powered", True)
        adapter.Set("org.bluez.Adapter1", "PairableTimeout", dbus.UInt32(0))
        adapter.Set("org.bluez.Adapter1", "Pairable", True)
        address = str(adapter.Get("org.bluez.Adapter1", "Address"))
        # Both call back into this process, so they are not waited for here.
        for name, register, path in (
            ("org.bluez.GattManager1", "RegisterApplication", "/lab"),
            ("org.bluez.LEAdvertisingManager1", "RegisterAdvertisement", self.advertisement.path),
        ):
            getattr(interface(self.bus, self.path, name), register)(
                path, {}, reply_handler=lambda: self.ready(address), error_handler=self.failed)
        GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, self.command)

    def ready(self, address):
        self.waiting -= 1
        if self.waiting == 0:
            say("ready", address=address)

    def failed(self, error):
        print("peripheral:", error, file=sys.stderr)
        self.loop.quit()

    def devices(self):
        objects = interface(self.bus, "/", OBJECTS).GetManagedObjects()
        for path, interfaces in objects.items():
            device = interfaces.get("org.bluez.Device1")
            if device and device["Adapter"] == self.path:
                yield path, device

    def changed(self, interface, changed, invalidated, path):
        if interface != "org.bluez.Device1" or not path.startswith(self.path + "/"):
            return
        news = {k.lower(): bool(changed[k]) for k in ("Connected", "Paired", "Bonded") if k in changed}
        if news:
            say("device", path=path, **news)

    def command(self, source, condition):
        word, _, number = source.readline().strip().partition(" ")
        if word in ("", "quit"):
            self.loop.quit()
            return False
        count = 0
        if word == "passkey":
            self.agent.passkey = int(number)
            self.agent.enter()
            count = 1
        for path, device in list(self.devices()):
            if word == "remove":
                interface(self.bus, self.path, "org.bluez.Adapter1").RemoveDevice(path)
                count += 1
            elif word == "disconnect" and device["Connected"]:
                interface(self.bus, path, "org.bluez.Device1").Disconnect()
                count += 1
        say("done", command=word, count=count)
        return True


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    loop = GLib.MainLoop()
    peripheral = Peripheral(dbus.SystemBus(), sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "NoInputNoOutput", loop)
    if len(sys.argv) > 3:
        peripheral.agent.answer = sys.argv[3]
    peripheral.start()
    loop.run()


main()
