"""BlueZ as the peripheral: an oximeter whose readings need encryption.

It registers with bluetoothd an agent that says yes, a service and an advertisement, all on one adapter, and then does
what it is told: one word per line on standard input, one JSON object per line on standard output. The service:

    cd01  readings, encrypted: counts while somebody is subscribed
    cd02  kept as written, 300 octets to begin with; long and reliable writes
    cd03  indicated when told so
    cd04  notified when told so, as fast as it goes
    cd05  as cd02, short to begin with

    peripheral.py ADAPTER [CAPABILITY [no]]      ADAPTER is hci1, CAPABILITY what the agent can do (NoInputNoOutput);
                                                 "no" is its answer to numbers that are to be compared

    in    remove       forget every bonded or connected device (which disconnects it)
          passkey N    the agent enters it, when it is asked or has been
          disconnect   disconnect every connected device
          indicate HEX cd03
          burst N S    cd04 N times, counting from 1 in four octets of S
          quit         leave
    out   {"event": "ready", "address": "00:AA:01:01:00:24"}
          {"event": "device", "path": ..., "connected": true, "paired": true}     what is new about a device
          {"event": "agent", "asked": "authorization"}     the agent was asked, and said yes
          {"event": "agent", "asked": "passkey"}           it is to enter one
          {"event": "agent", "asked": "confirmation", "number": "012345"}     it was shown a number, as "display" a passkey
          {"event": "notifying", "on": true}               somebody (un)subscribed to cd01
          {"event": "written", "uuid": "cd02", "value": "0102"}     the value is that now
          {"event": "confirmed"}                           cd03 was
          {"event": "acquired"}                            cd04 can be told now
          {"event": "done", "command": "remove", "count": 1}
"""

import socket
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

from bluez import BLUEZ, OBJECTS, PROPERTIES, Agent, interface, say

UUID = "0000%04x-0000-1000-8000-00805f9b34fb"
SERVICE = UUID % 0xCD00
READINGS = UUID % 0xCD01
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


class Kept(Exported):
    """Keeps what is written."""

    INTERFACE = Readings.INTERFACE

    def __init__(self, bus, service, number, value):
        super().__init__(
            bus, "%s/kept%x" % (service.path, number), self.INTERFACE, UUID=UUID % number, Service=service.path,
            Flags=["read", "write", "write-without-response", "reliable-write"],
        )
        self.uuid, self.value = "%04x" % number, value

    @dbus.service.method(INTERFACE, in_signature="a{sv}", out_signature="ay")
    def ReadValue(self, options):
        return dbus.Array(self.value[options.get("offset", 0):], signature="y")

    @dbus.service.method(INTERFACE, in_signature="aya{sv}", out_signature="")
    def WriteValue(self, value, options):
        self.value = self.value[:options.get("offset", 0)] + bytes(value)
        say("written", uuid=self.uuid, value=self.value.hex())


class Told(Exported):
    """Indicated."""

    INTERFACE = Readings.INTERFACE

    def __init__(self, bus, service):
        super().__init__(bus, service.path + "/told", self.INTERFACE, UUID=UUID % 0xCD03, Service=service.path, Flags=["indicate"])

    @dbus.service.method(INTERFACE, in_signature="", out_signature="")
    def StartNotify(self):
        pass

    @dbus.service.method(INTERFACE, in_signature="", out_signature="")
    def StopNotify(self):
        pass

    @dbus.service.method(INTERFACE, in_signature="", out_signature="")
    def Confirm(self):
        say("confirmed")

    def tell(self, value):
        self.PropertiesChanged(self.INTERFACE, {"Value": dbus.Array(value, signature="y")}, [])


class Burst(Exported):
    """Notified through a socket, each packet of which is a value."""

    INTERFACE = Readings.INTERFACE

    def __init__(self, bus, service):
        super().__init__(
            bus, service.path + "/burst", self.INTERFACE, UUID=UUID % 0xCD04, Service=service.path, Flags=["notify"], NotifyAcquired=False)
        self.socket = None
        self.count = self.size = self.sent = 0

    @dbus.service.method(INTERFACE, in_signature="a{sv}", out_signature="hq")
    def AcquireNotify(self, options):
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.setblocking(False)
        fd = dbus.types.UnixFd(theirs)
        theirs.close()
        say("acquired")
        return fd, options["mtu"]

    def begin(self, count, size):
        self.count, self.size, self.sent = count, size, 0
        GLib.io_add_watch(self.socket, GLib.IO_OUT | GLib.IO_HUP, self.ready)

    def ready(self, source, condition):
        try:
            while self.sent < self.count:
                self.socket.send((self.sent + 1).to_bytes(4, "little").ljust(self.size, b"."))
                self.sent += 1
        except BlockingIOError:
            return True
        except OSError:
            pass
        say("burst", count=self.sent)
        return False


class Application(dbus.service.Object):
    def __init__(self, bus):
        super().__init__(bus, "/lab")
        service = Exported(bus, "/lab/oximeter", "org.bluez.GattService1", UUID=SERVICE, Primary=True)
        self.told, self.burst = Told(bus, service), Burst(bus, service)
        self.exported = [
            service, Readings(bus, service), Kept(bus, service, 0xCD02, bytes(i % 251 for i in range(300))),
            self.told, self.burst, Kept(bus, service, 0xCD05, b"short"),
        ]

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
        line = source.readline().strip()
        word, _, number = line.partition(" ")
        if word in ("", "quit"):
            self.loop.quit()
            return False
        count = 0
        if word == "passkey":
            self.agent.passkey = int(number)
            self.agent.enter()
            count = 1
        elif word == "indicate":
            self.application.told.tell(bytes.fromhex(number))
            count = 1
        elif word == "burst":
            self.application.burst.begin(*map(int, number.split(" ")))
            count = 1
        for path, device in list(self.devices()):
            if word == "remove":
                interface(self.bus, self.path, "org.bluez.Adapter1").RemoveDevice(path)
                count += 1
            elif word == "disconnect" and device["Connected"]:
                interface(self.bus, path, "org.bluez.Device1").Disconnect()
                count += 1
        say("done", command=line, count=count)
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
