#!/usr/bin/env python3
"""The figures that Kith promises, measured on this machine with real nodes.

usage: figures.py [--messages N] [--missed N] [--groups N] [--json]    run from a release build folder, or with KITH_BUILDDIR

  start       a start with N messages in one group               under 50 ms
  page        the newest 50 inside the server                    under 1 ms
  join        a new node shows the newest page                   under 1 s
  whole       a new node holds all N                             under 20 s
  missed      a node away for M messages has caught up           under 5 s, each record once
  idle        resident memory with 100 groups, the store apart   at most 15 MB
  binary      stripped kithd                                     at most 2 MB
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "e2e"))
import kit  # noqa: E402

a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
a.add_argument("--messages", type=int, default=100000)
a.add_argument("--missed", type=int, default=10000)
a.add_argument("--groups", type=int, default=100)
a.add_argument("--clients", type=int, default=64)
a.add_argument("--json", action="store_true")
opt = a.parse_args()
base = kit.scratch("figures")
results, failed = {}, []


def figure(name, value, unit, limit=None):
    good = limit is None or value <= limit
    results[name] = {"value": round(value, 3), "unit": unit, "limit": limit, "ok": good}
    if not good:
        failed.append(name)
    if not opt.json:
        print("%-34s %12.3f %-5s %s" % (name, value, unit, "" if limit is None else ("ok, limit %g" if good else "TOO MUCH, limit %g") % limit),
              flush=True)


def talk(people, group, panel, n, tag):
    """n messages by all people at once; seconds."""
    each = n // len(people)

    def say(i):
        for k in range(each):
            people[i].patient("message.send", group=group, panel=panel, text="%s %d-%d: something that somebody might say" % (tag, i, k))

    begin = time.monotonic()
    kit.in_threads(len(people), say)
    return time.monotonic() - begin


def metric(node, name):
    import http.client
    c = http.client.HTTPConnection("127.0.0.1", node.client_port, timeout=10)
    c.request("GET", "/metrics")
    total = 0.0
    for line in c.getresponse().read().decode().splitlines():
        if line.startswith(name) and line[len(name):len(name) + 1] in (" ", "{"):
            total += float(line.rsplit(" ", 1)[1])
    c.close()
    return total


def status(node):
    out = subprocess.run([os.path.join(kit.BUILD, "kithctl"), "--state", node.state, "status", "--json"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout.splitlines()[0])


with tempfile.NamedTemporaryFile() as f:
    subprocess.run(["strip", "-o", f.name, os.path.join(kit.BUILD, "kithd")], check=True)
    figure("binary, stripped", os.path.getsize(f.name) / 1e6, "MB", 2)

one = kit.Node(base, "one", conf=kit.FAST).start()
ada = one.person("ada")
made = ada.call("group.new", name="long", join="open")
group, panel = made["id"], made["panel"]
link = ada.call("invite.new", group=group)["link"]
people = []
for i in range(opt.clients):
    p = kit.Person(one).guest("p%d" % i)
    p.call("group.join", link=link)
    people.append(p)
two = kit.Node(base, "two", peers=[one], conf=kit.FAST).start()
bob = two.person("bob")
bob.call("group.join", link=link, timeout=60)

took = talk(people, group, panel, opt.messages, "m")
figure("messages stored, each acknowledged", (opt.messages // opt.clients * opt.clients) / took, "/s")
total = len(people) * (opt.messages // opt.clients)

one.stop()
one.start()
figure("start", one.started_s * 1000, "ms", 50)
ada.conn = None
for p in people:
    p.conn = None
ada.page(group, panel, limit=50)
n0, s0 = metric(one, "kith_calls_read_total"), metric(one, "kith_calls_read_microseconds_total")
for i in range(200):
    ada.page(group, panel, limit=50)
n1, s1 = metric(one, "kith_calls_read_total"), metric(one, "kith_calls_read_microseconds_total")
figure("page of the newest 50, in the server", (s1 - s0) / max(n1 - n0, 1) / 1000, "ms", 1)

three = kit.Node(base, "three", peers=[one], conf=kit.FAST).start()
eve = three.person("eve")
begin = time.monotonic()
eve.call("group.join", link=link, timeout=60)
newest = ada.page(group, panel, limit=50)["messages"][-1]["id"]
kit.wait_for("the newest page", lambda: any(m["id"] == newest for m in eve.page(group, panel, limit=50)["messages"]), 60)
figure("a new node shows the newest page", time.monotonic() - begin, "s", 1)
want = status(one)["records"]


def has_all():
    return len(eve.page(group, panel, limit=1)["messages"]) == 1 and status(three)["records"] >= want


kit.wait_for("everything", has_all, 300, 0.2)
figure("a new node holds everything", time.monotonic() - begin, "s", 20)

kit.wait_for("two has everything", lambda: status(two)["records"] >= want, 300, 0.2)
two.stop()
talk(people, group, panel, opt.missed, "missed")
newest = ada.page(group, panel, limit=1)["messages"][-1]["id"]
want = status(one)["records"]
begin = time.monotonic()
two.start()
bob.conn = None
kit.wait_for("two has caught up", lambda: status(two)["records"] >= want, 60, 0.05)
figure("%d missed messages caught up" % opt.missed, time.monotonic() - begin, "s", 5)
figure("... records fetched again", status(two)["records_again"], "", 0)

idle = kit.Node(base, "idle", conf=kit.FAST).start()
zoe = idle.person("zoe")
for i in range(opt.groups):
    zoe.patient("group.new", name="g%d" % i)
idle.stop()
idle.start()
zoe.conn = None
zoe.call("group.list")
figure("idle with %d groups" % opt.groups, idle.rss_kb() / 1024, "MB", 15)
for n in (one, two, three, idle):
    n.stop()
if opt.json:
    print(json.dumps(results))
raise SystemExit(1 if failed else 0)
