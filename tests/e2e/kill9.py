#!/usr/bin/env python3
"""Kill -9 under load: nothing acknowledged is ever missing, nothing is there twice, on any node.

usage: kill9.py [--kills N] [--clients N] [--nodes N]       (make check: few kills; the full measure is 200)
"""
import argparse
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kit  # noqa: E402

a = argparse.ArgumentParser()
a.add_argument("--kills", type=int, default=int(os.environ.get("KITH_KILLS", "6")))
a.add_argument("--clients", type=int, default=64)
a.add_argument("--nodes", type=int, default=2)
a.add_argument("--seed", type=int, default=1)
opt = a.parse_args()
random.seed(opt.seed)
tap = kit.Tap()
base = kit.scratch("kill9")

nodes = [kit.Node(base, "n1", conf=kit.FAST).start()]
for i in range(1, opt.nodes):
    nodes.append(kit.Node(base, "n%d" % (i + 1), peers=[nodes[0]], conf=kit.FAST).start())
victim = nodes[0]
owner = victim.person("owner")
made = owner.call("group.new", name="kill", join="open")
group, panel = made["id"], made["panel"]
link = owner.call("invite.new", group=group)["link"]
people = []
for i in range(opt.clients):
    p = kit.Person(victim).guest("c%d" % i)
    p.call("group.join", link=link)
    people.append(p)
others = []
for n in nodes[1:]:
    p = n.person("reader")
    p.call("group.join", link=link, timeout=60)
    others.append(p)

acked = {}              # text -> id
lock = threading.Lock()
stop = threading.Event()


def chatter(i):
    p, k = people[i], 0
    while not stop.is_set():
        text = "c%d-%d" % (i, k)
        try:
            r = p.call("message.send", group=group, panel=panel, text=text, txn=text)
        except kit.Refused as e:
            if e.status == 429:
                time.sleep(max(e.retry, 0.01))
                continue
            if e.status in (503, 507):
                time.sleep(0.05)
                continue
            raise
        except Exception:
            time.sleep(0.02)        # the node is dead just now: say it again, with the same txn
            continue
        with lock:
            acked[text] = r["id"]
        k += 1


threads = [threading.Thread(target=chatter, args=(i,), daemon=True) for i in range(opt.clients)]
for t in threads:
    t.start()
worst = 0.0
for k in range(opt.kills):
    time.sleep(random.uniform(0.05, 0.4))
    victim.kill()
    victim.start()
    worst = max(worst, victim.started_s)
time.sleep(0.3)
stop.set()
for t in threads:
    t.join(60)
tap.note("%d kills, %d messages acknowledged, slowest start %.0f ms" % (opt.kills, len(acked), worst * 1000))


def check(person, who):
    history = kit.wait_for("%s has as many messages as were acknowledged" % who,
                           lambda: (lambda h: h if len(h) >= len(acked) else None)(person.history(group, panel)), 60, 0.5)
    by_text = {}
    for m in history:
        by_text.setdefault(m["text"], []).append(m["id"])
    missing = [t for t, i in acked.items() if i not in by_text.get(t, [])]
    twice = [t for t, ids in by_text.items() if len(ids) > 1]
    tap.ok(not missing, "%s: nothing acknowledged is missing%s" % (who, "" if not missing else ": " + ", ".join(missing[:5])))
    tap.ok(not twice, "%s: nothing is there twice%s" % (who, "" if not twice else ": " + ", ".join(twice[:5])))
    return [m["id"] for m in history]


tap.ok(len(acked) > opt.kills, "people could talk between the kills")
first = check(owner, victim.name)
for n, p in zip(nodes[1:], others):
    tap.ok(check(p, n.name) == first, "%s and %s show the same, in the same order" % (n.name, victim.name))
for n in nodes:
    tap.ok(n.stop() == 0, "%s stops when it is asked to" % n.name)
tap.end()
