"""Random worlds for part B: nodes, people, roster and timelines (see generate.py)."""

import random

import generate
import judge
from authority import bits

CARRY_A_CUT = {"ban", "kick", "mute", "role.revoke", "node.ban", "invite.revoke",
               "owner.resign"}
LOCKDOWNS = {"role.deny", "role.delete", "joins"}


class Node:
    def __init__(self, name):
        self.name = name
        self.view = 0           # the authority events that it holds
        self.records = set()    # the ids of the records that it holds


class Maker:
    def __init__(self, seed, n_events, n_records):
        self.rng = rng = random.Random("judge %s" % seed)
        big = rng.random() < 0.2
        self.n_events = n_events if n_events is not None else rng.randint(5, 70 if big else 30)
        self.n_records = n_records if n_records is not None else rng.randint(5, 90 if big else 45)
        broom = rng.random() < 0.1      # a feed with more branches than count
        self.nodes = [Node("n%d" % k) for k in range(rng.randint(1, 2 if broom else 4))]
        owners = ["own%d" % k for k in range(rng.randint(1, 2))]
        people = ["p%d" % k for k in range(rng.randint(2, 6))]
        self.everybody = people + owners
        self.acts = generate.Acts(rng, owners, people, judge=True)
        self.acts.nodes = [n.name for n in self.nodes]
        self.acts.panels = ["hall", "shed"][:rng.randint(1, 2)]
        self.log = self.acts.log
        self.world = judge.World(self.log, [], [])
        self.home = {}          # person -> node that their newest document names
        self.newest = {}        # person -> their newest document
        self.ids = 0
        # what sort of world this is
        self.gossip = rng.choice([0.1, 0.3, 0.3, 0.6, 0.9])
        self.forks = 0.8 if broom else rng.choice([0.0, 0.03, 0.1, 0.4])
        self.moves = rng.choice([0.0, 0.03, 0.1])
        self.rivals = rng.choice([0.0, 0.1, 0.5])
        self.backdates = rng.choice([0.0, 0.1, 0.3])
        self.nonsense = rng.choice([0.0, 0.0, 0.05, 0.15])
        self.bad_cuts = rng.choice([0.1, 0.4, 0.8])
        self.losses = rng.choice([0.0, 0.0, 0.0, 0.05])

    def new_id(self, mark):
        self.ids += 1
        return "%s%s%d" % (mark, self.rng.choice("abcdefgh"), self.ids)

    def make(self):
        rng = self.rng
        for person in self.everybody:
            self.new_doc(person, None, rng.choice(self.nodes))
        self.first_events()
        tries = 0
        while tries < 40 * (self.n_events + self.n_records):
            tries += 1
            more_events = len(self.log.events) < self.n_events
            more_records = len(self.world.records) < self.n_records
            if not more_events and not more_records:
                break
            node = rng.choice(self.nodes)
            if rng.random() < self.gossip:
                self.pull(node, rng.choice(self.nodes))
            share = self.n_events / (self.n_events + self.n_records)
            if more_events and (not more_records or rng.random() < share):
                self.write_event(node)
            elif more_records:
                self.write_record(node)
        return self.file()

    def file(self):
        rng = self.rng
        records = list(self.world.records.values())
        if self.losses:
            records = [r for r in records if rng.random() >= self.losses / 2]
            for r in records:
                if rng.random() < self.losses:
                    way = rng.choice(["frontier", "via", "doc", "target"])
                    if way == "frontier":
                        r["frontier"] = r["frontier"][1:] + ["lost1"]
                    elif way in r:
                        r[way] = "lost2"
        return {
            "owners": self.log.owners,
            "events": generate.shuffled(rng, self.log.events),
            "docs": generate.shuffled(rng, self.world.docs.values()),
            "records": generate.shuffled(rng, records),
        }

    # -- documents --

    def new_doc(self, person, prev, node):
        d = {"id": self.new_id("d"), "uid": person,
             "n": 0 if prev is None else self.world.docs[prev]["n"] + 1,
             "home": node.name, "prev": prev,
             "by": self.rng.choice(["key", "key", "recovery"])}
        self.world.docs[d["id"]] = d
        self.newest[person] = d["id"]
        self.home[person] = node.name
        return d["id"]

    # -- authority --

    def first_events(self):
        rng = self.rng
        owner = self.log.owners[0]
        view = 0
        if rng.random() < 0.9:
            perms = ["message.send"] if rng.random() < 0.9 else []
            i = self.acts.write({"id": "base", "author": owner, "via": None,
                                 "parents": ["genesis"], "kind": "role.create",
                                 "level": rng.choice([1, 1, 5, 40]), "perms": perms,
                                 "may": ["invite.manage", "message.send"]})
            view = 1 << i
        for _ in range(rng.randint(1, 3)):
            role = {"id": self.acts.new_id(), "author": owner, "via": None,
                    "parents": self.acts.ids_of(self.acts.heads(view)), "kind": "role.create",
                    "level": rng.choice([10, 30, 50, 50, 70, 90]),
                    "perms": sorted(rng.sample(self.acts.powers,
                                               rng.randint(3, len(self.acts.powers))))}
            i = self.acts.write(role)
            view |= self.log.past[i] | 1 << i
            for user in rng.sample(self.acts.people, min(2, len(self.acts.people))):
                i = self.acts.write({"id": self.acts.new_id(), "author": owner, "via": None,
                                     "parents": self.acts.ids_of(self.acts.heads(view)),
                                     "kind": "role.grant", "role": role["id"], "user": user})
                view |= self.log.past[i] | 1 << i
        for node in self.nodes:
            node.view = view

    def write_event(self, node):
        rng = self.rng
        locals_ = [u for u in self.everybody if self.home[u] == node.name]
        author = rng.choice(locals_ or self.everybody)
        view = node.view
        if rng.random() < self.backdates and view:
            old = rng.choice(list(bits(view)))
            view = self.log.past[old] | 1 << old
        i = self.acts.write_act(author, view, self.nonsense)
        if i is None:
            return
        e = self.log.events[i]
        whose = e["kind"] == "panel.set" and e.get("who", "").startswith("u:")
        if (e["kind"] in CARRY_A_CUT and rng.random() < 0.85
                or whose and e["value"] != "allow" and rng.random() < 0.8
                or (e["kind"] in LOCKDOWNS or e["kind"] == "panel.set" and not whose)
                and rng.random() < 0.4):
            e["cut"] = self.cut(node)
        if self.log.valid >> i & 1 and rng.random() < 0.97:
            node.view |= self.log.past[i] | 1 << i

    # -- what a node holds --

    def pull(self, node, other):
        node.view |= other.view & self.log.valid
        if self.rng.random() < 0.8:
            node.records |= other.records
        else:
            feeds = {judge.feed_of(self.world.records[x]) for x in other.records}
            some = {f for f in sorted(feeds) if self.rng.random() < 0.5}
            node.records |= {x for x in other.records
                             if judge.feed_of(self.world.records[x]) in some}

    def held(self, node):
        return [self.world.records[x] for x in sorted(node.records)]

    def tips(self, node):
        prevs = {r["prev"] for r in self.held(node)}
        found = {}
        for r in self.held(node):
            if r["id"] not in prevs:
                found.setdefault(judge.feed_of(r), []).append([r["seq"], r["id"]])
        return found

    def cut(self, node):
        """The tips that a node shows, or something worse."""
        rng = self.rng
        cut = self.tips(node)
        held = self.held(node)
        if rng.random() >= self.bad_cuts or not held:
            return cut
        way = rng.choice(["fewer feeds", "fewer tips", "lower", "missing", "foreign", "none"])
        for feed in sorted(cut):
            if rng.random() < 0.5:
                continue
            inside = [r for r in held if judge.feed_of(r) == feed]
            if way == "fewer feeds":
                del cut[feed]
            elif way == "fewer tips":
                cut[feed] = rng.sample(cut[feed], rng.randint(0, len(cut[feed])))
            elif way == "lower":
                r = rng.choice(inside)
                cut[feed] = [[r["seq"], r["id"]]]
            elif way == "missing":
                cut[feed] = [[rng.choice(inside)["seq"], "lost%d" % rng.randint(1, 9)]]
            elif way == "foreign":
                r = rng.choice(held)
                cut[feed] = [[rng.randint(0, 9), r["id"]]] if judge.feed_of(r) != feed else []
            elif way == "none":
                cut[feed] = []
        return cut

    # -- records --

    def write_record(self, node):
        rng = self.rng
        around = [r["author"] for r in self.world.records.values() if r["node"] == node.name]
        locals_ = [u for u in self.everybody if self.home[u] == node.name]
        ghosts = sorted(set(around) - set(locals_))     # they moved away; the node goes on
        if ghosts and rng.random() < 0.3:
            locals_ = ghosts
        for _ in range(4):
            person = rng.choice(locals_ or self.everybody)
            r = self.record(node, person)
            if r is None:
                continue
            if rng.random() < self.nonsense:
                self.spoil(r)
            if self.try_record(r) or rng.random() < 0.06:
                self.world.records[r["id"]] = r
                if rng.random() < 0.97:
                    node.records.add(r["id"])
                return

    def try_record(self, r):
        self.world.records[r["id"]] = r
        verdict = self.world.first(r["id"])
        del self.world.records[r["id"]]
        del self.world._first[r["id"]]
        return verdict != judge.REJECTED

    def memberships(self, person, node=None):
        return [r for r in self.world.records.values() if r["kind"] in judge.MEMBERSHIPS
                and r["author"] == person and (node is None or r["node"] == node.name)]

    def record(self, node, person):
        rng = self.rng
        mine = self.memberships(person, node)
        left = {r["via"] for r in self.world.records.values() if r["kind"] == "leave"}
        ends = self.world.endings(person) & node.view
        standing = [m for m in mine if m["id"] not in left
                    and not ends & ~self.world.seen(m)]
        r = {"id": self.new_id("r"), "scope": "roster", "node": node.name, "author": person}
        if rng.random() < self.moves:
            self.move(r, node, person)
        elif not mine or not standing and rng.random() < 0.7:
            self.join(r, node, person)
        else:
            under = rng.choice(standing if standing and rng.random() < 0.9 else mine)
            r["via"] = under["id"]
            what = rng.random()
            if what < 0.08:
                r.update(kind="leave", cut=self.cut(node))
            elif what < 0.12:
                del r["via"]
                self.join(r, node, person)
            else:
                r["scope"] = rng.choice(self.acts.panels)
                r["kind"] = "msg"
                messages = [x for x in self.held(node) if x["kind"] == "msg"]
                if what > 0.8 and messages:
                    r["kind"] = "redact"
                    r["mode"] = rng.choice(["recall", "remove"])
                    own = [x for x in messages if x["author"] == person]
                    r["target"] = rng.choice(own if r["mode"] == "recall" and own
                                             else messages)["id"]
        self.place(r)
        self.sight(r, node)
        return r

    def join(self, r, node, person):
        r["kind"] = "join"
        docs = [d["id"] for d in self.world.docs.values()
                if d["uid"] == person and d["home"] == node.name]
        r["doc"] = self.rng.choice(docs) if docs else self.newest[person]
        if self.world.docs[r["doc"]]["n"] > 0:
            r["cut"] = self.cut(node)
        facts = judge.Reading(self.log, self.log.effective(node.view))
        ways = ["open", "admit"] + self.acts.invites
        good = [w for w in ways if facts.way_holds({"how": w, "author": person})]
        r["how"] = self.rng.choice(good if good and self.rng.random() < 0.9 else ways)

    def move(self, r, node, person):
        """A later document with this node as home, and the record that says so."""
        rng = self.rng
        after = self.newest[person]
        if rng.random() < self.rivals and self.world.docs[after]["prev"] is not None:
            after = self.world.docs[after]["prev"]
        doc = self.new_doc(person, after, node)
        before = [m for m in self.memberships(person) if m["id"] in node.records]
        if before and rng.random() < 0.8:
            r.update(kind="move", doc=doc, via=rng.choice(before)["id"], cut=self.cut(node))
        else:
            self.join(r, node, person)
            r.update(doc=doc, cut=self.cut(node))

    def place(self, r):
        """Choose prev: the last of the feed, or a fork."""
        rng = self.rng
        feed = [x for x in self.world.records.values()
                if judge.feed_of(x) == judge.feed_of(r)
                and self.world.first(x["id"]) == judge.ACCEPTED]
        prev = feed[-1] if feed else None
        if feed and rng.random() < self.forks:
            prev = rng.choice(feed + [None])
        r["prev"] = prev["id"] if prev else None
        r["seq"] = prev["seq"] + 1 if prev else 0

    def sight(self, r, node):
        """Choose the frontier: what the node holds, or as little as will do."""
        rng = self.rng
        must = 0
        for name in ("prev", "via"):
            if r.get(name) in self.world.records:
                must |= self.world.seen(self.world.records[r[name]])
        view = must | node.view
        if rng.random() < self.backdates:
            view = must
            if rng.random() < 0.5 and node.view:
                old = rng.choice(list(bits(node.view)))
                view |= self.log.past[old] | 1 << old
        r["frontier"] = self.acts.ids_of(
            [i for i in bits(view) if not self.log.future[i] & view])

    def spoil(self, r):
        """Make nonsense of a record, in one of the ways that FILE allows."""
        rng = self.rng
        every = sorted(self.world.records)
        for way in rng.sample(range(9), 9):
            if way == 0:
                r["author"] = rng.choice(self.everybody)
            elif way == 1 and "via" in r and every:
                r["via"] = rng.choice(every)
            elif way == 2:
                r["seq"] += 1
            elif way == 3 and every:
                r["prev"] = rng.choice(every)
            elif way == 4 and "doc" in r:
                r["doc"] = rng.choice(sorted(self.world.docs))
                r.setdefault("cut", {})
            elif way == 5:
                r["frontier"] = [rng.choice(self.log.events)["id"]]
            elif way == 6 and len(self.nodes) > 1:
                r["node"] = rng.choice(self.nodes).name
            elif way == 7:
                r["scope"] = "roster" if r["scope"] != "roster" else "hall"
            elif way == 8 and every:
                r["frontier"] = rng.choice([[rng.choice(every)], ["lost3"],
                                            r["frontier"] + ["lost4"],
                                            sorted(set(r["frontier"]) | {
                                                rng.choice(self.log.events)["id"]})])
            else:
                continue
            return


def judge_log(seed, n_events=None, n_records=None):
    return Maker(seed, n_events, n_records).make()
