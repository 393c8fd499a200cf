#!/usr/bin/env python3
"""Real nodes in bad weather: links cut, cut one way and mended, nodes split, stopped, killed, their disks full, their
clocks set, their keys changed, while people talk at all of them. In the end nothing acknowledged is missing
anywhere, nothing is there twice, and all show the same.

usage: storm.py [--faults N] [--seed N] [--nodes N]       (make check: few faults; the full measure is 100)
"""
import argparse
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wires  # noqa: E402

wires.enter()
import kit  # noqa: E402

a = argparse.ArgumentParser()
a.add_argument("--faults", type=int, default=int(os.environ.get("KITH_FAULTS", "10")))
a.add_argument("--seed", type=int, default=1)
a.add_argument("--nodes", type=int, default=4)
opt = a.parse_args()
dice = random.Random(opt.seed)
tap = kit.Tap()
base = kit.scratch("storm")
net = wires.make(opt.nodes)
clock_so = os.path.join(kit.BUILD, "tests/e2e/clock.so")
small = os.path.join(base, "small")
os.mkdir(small)
mounted = os.environ["KITH_TEST_NET"] == "own" and subprocess.call(["mount", "-t", "tmpfs", "-o", "size=48m,mode=0755", "tmpfs", small]) == 0


def clock_file(i):
    return os.path.join(base, "clock%d" % i)


def set_clock(i, ms):
    with open(clock_file(i), "r+b") as f:
        f.write(struct.pack("=q", ms))


nodes = []
for i in range(opt.nodes):
    with open(clock_file(i), "wb") as f:
        f.write(bytes(8))
    os.chmod(clock_file(i), 0o644)
    env = ["env", "LD_PRELOAD=" + clock_so, "KITH_TEST_CLOCK=" + clock_file(i),
           "ASAN_OPTIONS=" + os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"]
    last = i == opt.nodes - 1 and mounted
    n = kit.Node(small if last else base, "n%d" % i, peers=[net.peer(p, k) for k, p in enumerate(nodes)], conf=kit.FAST + "registration = open\n",
                 args=net.args(i), host=net.host(i), prefix=net.prefix(i) + env)
    nodes.append(n.start())
    net.started(n, i)
tap.note("%d nodes, %s%s" % (opt.nodes, type(net).__name__.lower(), ", the last on a disk of its own" if mounted else ""))


def others(i):
    return [k for k in range(opt.nodes) if k != i]


# ---- people

people = [n.person("p%d" % i) for i, n in enumerate(nodes)]
made = people[0].call("group.new", name="storm", join="open")
group, panel = made["id"], made["panel"]
link = people[0].call("invite.new", group=group)["link"]
for p in people[1:]:
    kit.wait_for("%s joins" % p.handle, lambda: p.call("group.join", link=link, timeout=20)["state"] == "member", 30)

acked, lock, stop = {}, threading.Lock(), threading.Event()


def chatter(i):
    p, k = people[i], 0
    while not stop.is_set():
        text = "n%d-%d" % (i, k)
        try:
            r = p.call("message.send", group=group, panel=panel, text=text, txn=text, timeout=10)
        except Exception:       # stopped, dead, full, its clock too far off: say it again, with the same txn
            time.sleep(0.05)
            continue
        with lock:
            acked[text] = r["id"]
        k += 1
        time.sleep(0.02)


threads = [threading.Thread(target=chatter, args=(i,), daemon=True) for i in range(opt.nodes)]
for t in threads:
    t.start()


# ---- weather: each fault begins, lasts and ends

def cut(i, k, lasts):
    net.way(i, k, False)
    net.way(k, i, False)
    time.sleep(lasts)
    net.way(i, k, True)
    net.way(k, i, True)


def cut_one_way(i, k, lasts):
    net.way(i, k, False)
    time.sleep(lasts)
    net.way(i, k, True)


def split(i, k, lasts):
    here = {i, k}
    ways = [(x, y) for x in range(opt.nodes) for y in range(opt.nodes) if (x in here) != (y in here)]
    for w in ways:
        net.way(*w, False)
    time.sleep(lasts)
    for w in ways:
        net.way(*w, True)


def halt(i, k, lasts):
    nodes[i].signal(signal.SIGSTOP)
    time.sleep(lasts)
    nodes[i].signal(signal.SIGCONT)


def kill(i, k, lasts):
    nodes[i].kill()
    time.sleep(lasts / 2)
    nodes[i].start()


def fast_clock(i, k, lasts):
    set_clock(i, dice.choice([5000, 45000]))
    time.sleep(lasts)
    set_clock(i, 0)


def slow_clock(i, k, lasts):
    set_clock(i, -dice.choice([30000, 86400000]))
    time.sleep(lasts)
    set_clock(i, 0)


def kithctl(i, *words):
    return subprocess.run([os.path.join(kit.BUILD, "kithctl"), "--state", nodes[i].state] + list(words), capture_output=True,
                          text=True, timeout=60)


def rotate(i, k, lasts):
    r = kithctl(i, "keys", "rotate")
    if r.returncode != 0:
        raise RuntimeError(r.stderr)


def rotate_root(i, k, lasts):
    r = kithctl(i, "keys", "rotate", "--root")
    if r.returncode != 0:
        raise RuntimeError(r.stderr)


def full_disk(i, k, lasts):
    filler = os.path.join(small, "filler")
    try:
        with open(filler, "wb") as f:
            while True:
                f.write(bytes(65536))
                f.flush()
    except OSError:
        pass
    time.sleep(lasts)
    os.unlink(filler)


faults = [kill, split, cut_one_way if net.one_way else cut, rotate, halt, fast_clock, cut, slow_clock, rotate_root] + \
    ([full_disk] if mounted else [])
seen = {}
for x in range(opt.faults):
    # each once, then as they come
    fault = faults[x] if x < len(faults) else dice.choice(faults)
    i = dice.randrange(opt.nodes)
    k = dice.choice(others(i))
    lasts = dice.uniform(0.5, 2.5)
    seen[fault.__name__] = seen.get(fault.__name__, 0) + 1
    fault(i, k, lasts)
    time.sleep(dice.uniform(0.1, 0.5))
stop.set()
for t in threads:
    t.join(60)
tap.note("%d faults (%s), %d messages acknowledged" % (opt.faults, ", ".join("%s %d" % s for s in sorted(seen.items())), len(acked)))
tap.ok(len(acked) > 2 * opt.faults, "people could talk through it")


# ---- afterwards

def state(i):
    out = kithctl(i, "groups", "--json").stdout
    return [json.loads(line)["state"] for line in out.splitlines() if '"group"' in line and group in line]


def lists():
    got = [people[i].history(group, panel) for i in range(opt.nodes)]
    ids = [[m["id"] for m in h] for h in got]
    if all(x == ids[0] for x in ids) and not set(acked.values()) - set(ids[0]) and all(state(i) == state(0) for i in range(opt.nodes)):
        return got
    return None


begin = time.monotonic()
try:
    got = kit.wait_for("all show the same", lists, 90, 0.3)
    tap.ok(True, "all show the same, everything acknowledged among it, %.1f s after the last fault" % (time.monotonic() - begin))
    texts = [m["text"] for m in got[0]]
    tap.ok(len(texts) == len(set(texts)), "nothing is there twice")
except AssertionError as e:
    tap.ok(False, "all show the same, everything acknowledged among it")
    for i in range(opt.nodes):
        h = {m["id"] for m in people[i].history(group, panel)}
        tap.note("%s: %d messages, state %s, missing %s" % (nodes[i].name, len(h), state(i),
                                                            sorted(t for t, d in acked.items() if d not in h)[:10]))
    tap.note(str(e)[:500])
for i, n in enumerate(nodes):
    r = kithctl(i, "verify")
    tap.ok(r.returncode == 0, "%s: what is stored follows from the records" % n.name)
    if r.returncode != 0:
        tap.note((r.stdout + r.stderr)[:1000])
for n in nodes:
    tap.ok(n.stop() == 0, "%s stops when it is asked to" % n.name)
if mounted:
    subprocess.call(["umount", small])
tap.end()
