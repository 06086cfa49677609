"""What peripheral.py and central.py have in common: reports, one JSON object per line, and an agent."""

import json

import dbus
import dbus.service

BLUEZ = "org.bluez"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECTS = "org.freedesktop.DBus.ObjectManager"


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def interface(bus, path, name):
    return dbus.Interface(bus.get_object(BLUEZ, path), name)


def short(uuid):
    """A UUID as jelling prints it."""
    uuid = str(uuid)
    return uuid[4:8] if uuid.startswith("0000") and uuid.endswith("-0000-1000-8000-00805f9b34fb") else uuid


class Refused(dbus.DBusException):
    _dbus_error_name = "org.bluez.Error.Rejected"


class Agent(dbus.service.Object):
    """Says yes. The kernel waits for one even with Just Works."""

    PATH = "/lab/agent"
    INTERFACE = "org.bluez.Agent1"
    answer = "yes"
    passkey = None  # that was told
    asked = None    # who waits for it

    def register(self, bus, capability):
        agents = interface(bus, "/org/bluez", "org.bluez.AgentManager1")
        agents.RegisterAgent(self.PATH, capability)
        agents.RequestDefaultAgent(self.PATH)

    def enter(self):
        if self.asked and self.passkey is not None:
            self.asked(dbus.UInt32(self.passkey))
            self.asked = self.passkey = None

    @dbus.service.method(INTERFACE, in_signature="o", out_signature="u", async_callbacks=("answered", "failed"))
    def RequestPasskey(self, device, answered, failed):
        say("agent", asked="passkey")
        self.asked = answered
        self.enter()

    @dbus.service.method(INTERFACE, in_signature="ouq", out_signature="")
    def DisplayPasskey(self, device, passkey, entered):
        say("agent", asked="display", number="%06d" % passkey)

    @dbus.service.method(INTERFACE, in_signature="", out_signature="")
    def Release(self):
        pass

    @dbus.service.method(INTERFACE, in_signature="", out_signature="")
    def Cancel(self):
        say("agent", asked="cancel")

    @dbus.service.method(INTERFACE, in_signature="o", out_signature="")
    def RequestAuthorization(self, device):
        say("agent", asked="authorization")

    @dbus.service.method(INTERFACE, in_signature="ou", out_signature="")
    def RequestConfirmation(self, device, passkey):
        say("agent", asked="confirmation", number="%06d" % passkey)
        if self.answer != "yes":
            raise Refused("no")

    @dbus.service.method(INTERFACE, in_signature="os", out_signature="")
    def AuthorizeService(self, device, uuid):
        pass
