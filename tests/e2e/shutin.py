#!/usr/bin/env python3
"""The sandbox of the helpers from the inside, for builds without sanitizers (they need more than it leaves)."""
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kit  # noqa: E402

tap = kit.Tap()
base = kit.scratch("shutin")
program = os.path.join(kit.BUILD, "tests/e2e/shutin")
secret = os.path.join(base, "secret")
with open(secret, "w") as f:
    f.write("s3cret")


def tried(box):
    out = subprocess.run([program, box, base], stdout=subprocess.PIPE, timeout=20, check=True).stdout.decode()
    return dict(line.split() for line in out.splitlines())


def lands():
    """Does this kernel confine files (landlock)? Where it does not, a helper with a network reads what its user may."""
    return ctypes.CDLL(None).syscall(444, None, 0, 1) >= 1


media = tried("media")
if not tap.ok(len(media) == 12 and set(media.values()) == {"refused"}, "a helper for pictures can do nothing but think"):
    tap.note(media)
egress = tried("egress")
may = {k for k, v in egress.items() if v == "done"}
if not tap.ok(may == {"inet", "code"} | (set() if lands() else {"read-secret"}), "a helper for the network can go there, and reads no secrets"):
    tap.note(egress)
tap.ok(open(secret).read() == "s3cret" and not os.path.exists(os.path.join(base, "fresh")), "and nothing is changed")

begin = time.monotonic()
p = subprocess.run([program, "spin"], timeout=60)
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
tap.ok(p.returncode in (-signal.SIGXCPU, -signal.SIGKILL) and used < 3, "what goes on for ever is stopped after its processor time (%.1f s of 1)" % used)
tap.end()
