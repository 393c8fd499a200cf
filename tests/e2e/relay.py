#!/usr/bin/env python3
"""A wire that can be cut: relay.py FILE prints the port that it listens on and passes everything to
where the node listens whose ready line is in FILE by then. SIGUSR1 cuts it: what is open ends, nobody
gets through. SIGUSR2 mends it."""
import re
import selectors
import signal
import socket
import sys

listener = socket.create_server(("127.0.0.1", 0))
sel = selectors.DefaultSelector()
sel.register(listener, selectors.EVENT_READ)
other = {}
cut = False


def end(s):
    for x in (s, other.get(s)):
        if x is not None and x in other:
            sel.unregister(x)
            del other[x]
            x.close()


def set_cut(to):
    global cut
    cut = to
    if cut:
        for s in list(other):
            end(s)


signal.signal(signal.SIGUSR1, lambda *a: set_cut(True))
signal.signal(signal.SIGUSR2, lambda *a: set_cut(False))
print(listener.getsockname()[1], flush=True)
while True:
    for key, _ in sel.select():
        s = key.fileobj
        if s is listener:
            a, _ = listener.accept()
            try:
                if cut:
                    raise OSError
                host, port = re.search(r" peer=(\S+):(\d+)", open(sys.argv[1]).read()).groups()
                b = socket.create_connection((host, int(port)), 5)
            except (OSError, AttributeError):
                a.close()
                continue
            other[a], other[b] = b, a
            sel.register(a, selectors.EVENT_READ)
            sel.register(b, selectors.EVENT_READ)
        elif s in other:
            try:
                data = s.recv(65536)
                if not data:
                    raise OSError
                other[s].sendall(data)
            except OSError:
                end(s)
