"""Hold a controller's user channel until standard input ends: hold.py INDEX."""

import ctypes
import os
import socket
import struct
import sys

HCI_CHANNEL_USER = 1

# The interpreter's own bind knows no channels.
libc = ctypes.CDLL(None, use_errno=True)
holder = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_RAW, socket.BTPROTO_HCI)
address = struct.pack("<HHH", socket.AF_BLUETOOTH, int(sys.argv[1]), HCI_CHANNEL_USER)
if libc.bind(holder.fileno(), address, len(address)) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
print("held", flush=True)
sys.stdin.read()
