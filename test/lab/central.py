"""BlueZ as the central: a person's telephone.

It powers an adapter, registers an agent, and does what it is told: one command per line on standard input, one JSON
object per line on standard output. CHAR is a characteristic's UUID, as in 2a37.

    central.py ADAPTER [CAPABILITY [no]]         as peripheral.py

    in    find ADDRESS|NAME            scan until it is heard; the commands below are about it from then on
          pair, connect, disconnect    return when BlueZ says that it is done
          remove                       forget it
          passkey N                    the agent enters it, when it is asked or has been
          read CHAR [OFFSET]
          write CHAR HEX [request|command|reliable [OFFSET]]
          notify CHAR, quiet CHAR      (un)subscribe; values that come faster than D-Bus may be told as one
          acquire CHAR                 subscribe, and be told every value
          tree                         what there is: the UUIDs
          known                        whether BlueZ has it as paired, connected, resolved
          quit
    out   {"event": "ready", "address": "02:4A:4C:00:00:02"}
          {"event": "device", "address": ..., "connected": true, "paired": true, "servicesresolved": true}     what is new
          {"event": "added", "uuid": "2a37"}, {"event": "removed", "uuid": "2a37"}    a characteristic
          {"event": "value", "uuid": "2a37", "value": "0048"}
          {"event": "agent", ...}      as peripheral.py
          {"event": "done", "command": "find Lab box", "value": "0102"}      its manufacturer data
          {"event": "done", "command": "read 2a37", "value": "0048"}, or with "error": "org.bluez.Error.NotPermitted: ..."
"""

import os
import sys

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

from bluez import BLUEZ, OBJECTS, PROPERTIES, Agent, interface, say, short

ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
CALL_LIMIT = 120  # seconds that a call may take


class Central:
    def __init__(self, bus, adapter, capability, loop):
        self.bus, self.loop, self.capability = bus, loop, capability
        self.path = "/org/bluez/" + adapter
        self.agent = Agent(bus, Agent.PATH)
        self.wanted = None   # address or name that is looked for
        self.device = None   # path
        self.uuids = {}      # of characteristics, by path
        self.acquired = {}   # sockets' watches, by path
        bus.add_signal_receiver(self.changed, "PropertiesChanged", PROPERTIES, BLUEZ, path_keyword="path")
        bus.add_signal_receiver(self.added, "InterfacesAdded", OBJECTS, BLUEZ)
        bus.add_signal_receiver(self.removed, "InterfacesRemoved", OBJECTS, BLUEZ)

    def start(self):
        self.agent.register(self.bus, self.capability)
        properties = interface(self.bus, self.path, PROPERTIES)
        properties.Set(ADAPTER, "Powered", True)
        for path, interfaces in interface(self.bus, "/", OBJECTS).GetManagedObjects().items():
            self.added(path, interfaces)
        GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, self.command)
        say("ready", address=str(properties.Get(ADAPTER, "Address")))

    # What BlueZ says.

    def changed(self, name, changed, invalidated, path):
        if name == DEVICE and path.startswith(self.path + "/"):
            if self.wanted and "RSSI" in changed and self.is_wanted(path, None):
                self.found(path)
            news = {k.lower(): bool(changed[k]) for k in ("Connected", "Paired", "ServicesResolved") if k in changed}
            if news:
                say("device", address=path[-17:].replace("_", ":"), **news)
        elif name == CHARACTERISTIC and "Value" in changed and path not in self.acquired:
            say("value", uuid=self.uuids.get(path), value=bytes(changed["Value"]).hex())

    def added(self, path, interfaces):
        if DEVICE in interfaces and path.startswith(self.path) and self.is_wanted(path, interfaces[DEVICE]):
            self.found(path)
        if CHARACTERISTIC in interfaces:
            self.uuids[path] = short(interfaces[CHARACTERISTIC]["UUID"])
            say("added", uuid=self.uuids[path])

    def removed(self, path, interfaces):
        if CHARACTERISTIC in interfaces:
            say("removed", uuid=self.uuids.pop(path, None))

    def is_wanted(self, path, device):
        if not self.wanted:
            return False
        if ":" in self.wanted:
            return path == self.path + "/dev_" + self.wanted.replace(":", "_")
        if device is None:
            device = interface(self.bus, path, PROPERTIES).GetAll(DEVICE)
        return str(device.get("Name")) == self.wanted

    # What it is told.

    def find(self, wanted):
        self.wanted = wanted
        adapter = interface(self.bus, self.path, ADAPTER)
        adapter.SetDiscoveryFilter({"Transport": "le", "DuplicateData": dbus.Boolean(True)})
        adapter.StartDiscovery()

    def found(self, path):
        if self.wanted is None:
            return
        wanted, self.wanted, self.device = self.wanted, None, path
        device = interface(self.bus, path, PROPERTIES).GetAll(DEVICE)
        data = "".join(bytes(v).hex() for v in device.get("ManufacturerData", {}).values())
        interface(self.bus, self.path, ADAPTER).StopDiscovery(
            reply_handler=lambda: say("done", command="find " + wanted, value=data), error_handler=self.failing("find " + wanted))

    def failing(self, command):
        return lambda error: say("done", command=command, error="%s: %s" % (error.get_dbus_name(), error.get_dbus_message()))

    def characteristic(self, uuid):
        for path, name in self.uuids.items():
            if name == uuid and path.startswith(self.device + "/"):
                return path
        raise KeyError("no characteristic " + uuid)

    def call(self, command, path, name, method, *args, result=lambda *nothing: {}):
        getattr(interface(self.bus, path, name), method)(
            *args, timeout=CALL_LIMIT,
            reply_handler=lambda *reply: say("done", command=command, **result(*reply)), error_handler=self.failing(command))

    def listen(self, path, fd):
        """Reports what arrives on the socket of an acquired characteristic, until it is closed."""
        def ready(source, condition):
            value = os.read(source, 1024) if condition & GLib.IO_IN else b""
            if not value:
                os.close(source)
                del self.acquired[path]
                return False
            say("value", uuid=self.uuids.get(path), value=value.hex())
            return True
        self.acquired[path] = GLib.io_add_watch(fd, GLib.IO_IN | GLib.IO_HUP, ready)
        return {}

    def command(self, source, condition):
        line = source.readline().strip()
        word, *args = line.split(" ") or [""]
        if word in ("", "quit"):
            self.loop.quit()
            return False
        try:
            self.do(line, word, args)
        except (KeyError, dbus.DBusException) as error:
            say("done", command=line, error=str(error))
        return True

    def do(self, line, word, args):
        if word == "find":
            self.find(" ".join(args))
        elif word in ("pair", "connect", "disconnect"):
            self.call(line, self.device, DEVICE, word.capitalize())
        elif word == "remove":
            self.call(line, self.path, ADAPTER, "RemoveDevice", dbus.ObjectPath(self.device))
        elif word == "passkey":
            self.agent.passkey = int(args[0])
            self.agent.enter()
            say("done", command=line)
        elif word == "read":
            options = {"offset": dbus.UInt16(int(args[1]))} if len(args) > 1 else {}
            self.call(line, self.characteristic(args[0]), CHARACTERISTIC, "ReadValue", options,
                      result=lambda value: {"value": bytes(value).hex()})
        elif word == "write":
            options = {}
            if len(args) > 2:
                options["type"] = args[2]
            if len(args) > 3:
                options["offset"] = dbus.UInt16(int(args[3]))
            self.call(line, self.characteristic(args[0]), CHARACTERISTIC, "WriteValue",
                      dbus.Array(bytes.fromhex(args[1]), signature="y"), options)
        elif word in ("notify", "quiet"):
            self.call(line, self.characteristic(args[0]), CHARACTERISTIC, "StartNotify" if word == "notify" else "StopNotify")
        elif word == "acquire":
            path = self.characteristic(args[0])
            self.call(line, path, CHARACTERISTIC, "AcquireNotify", {}, result=lambda fd, mtu: self.listen(path, fd.take()))
        elif word == "tree":
            say("done", command=line, uuids=sorted(u for p, u in self.uuids.items() if p.startswith(self.device + "/")))
        elif word == "known":
            device = interface(self.bus, self.device, PROPERTIES).GetAll(DEVICE)
            say("done", command=line, paired=bool(device["Paired"]), connected=bool(device["Connected"]),
                servicesresolved=bool(device["ServicesResolved"]))
        else:
            say("done", command=line, error="no such command")


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    loop = GLib.MainLoop()
    central = Central(dbus.SystemBus(), sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "NoInputNoOutput", loop)
    if len(sys.argv) > 3:
        central.agent.answer = sys.argv[3]
    central.start()
    loop.run()


main()
