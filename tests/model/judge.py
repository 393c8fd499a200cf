#!/usr/bin/env python3
"""Plain model of RULES part B, over the file format of `kithctl judge`.

Usage: judge.py FILE|-

Names: a feed is the string "SCOPE/NODE", as cuts in FILE have it; a record is
its object in FILE; sets of events are bit sets (see authority.py).
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import authority  # noqa: E402
from authority import bad, bits, field, is_int, is_names, is_str  # noqa: E402

PATHS_MAX = 8                   # B6
BASE = "base"                   # the role that every member holds
MEMBERSHIPS = ("join", "move")

# kind -> its fields in FILE
RECORD_KINDS = {
    "join": ("doc", "how"),
    "move": ("doc", "via", "cut"),
    "leave": ("via", "cut"),
    "msg": ("via",),
    "redact": ("via", "target", "mode"),
}

# The acts that may bear a cut (B4); on others it is nothing.
BEAR_A_CUT = {"ban", "kick", "mute", "role.revoke", "panel.set", "node.ban", "invite.revoke",
              "owner.resign", "role.deny", "role.delete", "joins"}

REJECTED, WAITING, ACCEPTED = "rejected", "waiting", "accepted"
UNSOUND, SOUND = "unsound", "sound"


def feed_of(r):
    return r["scope"] + "/" + r["node"]


class Reading:
    """The facts as one record reads them (B2, B7)."""

    def __init__(self, log, seen, denials=0):
        self.log = log
        self.seen = seen
        self.denials = denials

    def on(self, *fact):
        return self.log.fact_now(fact, self.seen, self.denials)

    def roles(self, person):
        """The roles held, the implicit one included (B3)."""
        return [r for r in sorted(self.log.roles) if self.on("role", r)
                and (r == BASE or self.on("holds", r, person))]

    def has(self, permission, person):
        return any(self.on("perm", r, permission) for r in self.roles(person))

    def may_speak(self, person, panel):
        """B3."""
        if self.on("owner", person):
            return True
        if not self.on("voice", person) or not self.on("open", panel):
            return False
        for whos in (["u:" + person], ["r:" + r for r in self.roles(person)]):
            if not all(self.on("undenied", panel, who) for who in whos):
                return False
            if any(self.on("allowed", panel, who) for who in whos):
                return True
        return self.has("message.send", person)

    def may_write(self, r):
        """The right that a timeline record needs (B2, B3)."""
        if r["kind"] == "msg":
            return self.may_speak(r["author"], r["scope"])
        if r["mode"] == "recall":
            return True
        return self.on("owner", r["author"]) or self.has("message.remove", r["author"])

    def way_holds(self, join):
        if join["how"] == "open":
            return self.on("joins")
        if join["how"] == "admit":
            return self.on("admitted", join["author"])
        return self.on("invite", join["how"])


class World:
    """Everything that one node holds, and what follows from it."""

    def __init__(self, log, docs, records):
        self.log = log
        self.docs = {d["id"]: d for d in docs}
        self.records = {r["id"]: r for r in records}
        self.forget()

    def forget(self):
        """Drop what was worked out, after a change to docs, records or log."""
        self._first = {}
        self._beyond = {}
        self._spoken = {}
        self._counting = None
        self._by_feed = {}

    # -- what is held --

    def is_held(self, x):
        return (x in self.records or x in self.docs or x in self.log.index
                or x == "genesis")

    def is_event(self, x):
        return x in self.log.index or x == "genesis"

    def seen(self, r):
        """The events that a record has seen."""
        return self.log.closure(r["frontier"])

    def membership(self, r):
        """The join or move that a record is made under; itself if it is one."""
        return r if r["kind"] in MEMBERSHIPS else self.records[r["via"]]

    def cut_of(self, r):
        if r["kind"] == "join" and self.docs[r["doc"]]["n"] == 0:
            return {}                   # only joins under a later document have one
        return r.get("cut", {})

    def chain(self, r):
        """The ids of a record and of what is below it in its feed."""
        found = set()
        while r is not None:
            found.add(r["id"])
            r = self.records.get(r["prev"])
        return found

    # -- documents --

    def doc_state(self, x):
        """Is the chain of a held document sound?"""
        d = self.docs[x]
        if d["n"] == 0 or d["prev"] is None:
            return SOUND if d["n"] == 0 and d["prev"] is None else UNSOUND
        if d["prev"] not in self.docs:
            return UNSOUND if self.is_held(d["prev"]) else WAITING
        before = self.docs[d["prev"]]
        if before["uid"] != d["uid"] or before["n"] + 1 != d["n"]:
            return UNSOUND
        return self.doc_state(d["prev"])

    def doc_stands(self, x):
        """B8: of two after the same one, recovery key, account key, smaller id."""
        d = self.docs[x]
        if d["prev"] is None:
            return True
        rivals = [o for o in self.docs.values() if o["prev"] == d["prev"]
                  and self.doc_state(o["id"]) == SOUND]
        best = min(rivals, key=lambda o: (o["by"] != "recovery", o["id"]))
        return best["id"] == x and self.doc_stands(d["prev"])

    # -- first decision (B2) --

    def first(self, x):
        if x not in self._first:
            self._first[x] = self._first_of(self.records[x])
        return self._first[x]

    def accepted(self, x):
        return x in self.records and self.first(x) == ACCEPTED

    def _first_of(self, r):
        waits = False
        roster_kind = r["kind"] in ("join", "move", "leave")
        if (r["scope"] == "roster") != roster_kind:
            return REJECTED
        if (r["seq"] == 0) != (r["prev"] is None):
            return REJECTED

        # prev: the place before it in its feed
        before = []                     # the records whose frontier is to be covered
        if r["prev"] is not None:
            if r["prev"] in self.records:
                prev = self.records[r["prev"]]
                if feed_of(prev) != feed_of(r) or prev["seq"] != r["seq"] - 1:
                    return REJECTED
                before.append(prev)
            elif self.is_held(r["prev"]):
                return REJECTED

        # via: the author's join or move
        via = None
        if "via" in r:
            if r["via"] in self.records:
                via = self.records[r["via"]]
                if via["kind"] not in MEMBERSHIPS or via["author"] != r["author"]:
                    return REJECTED
                if r["kind"] != "move" and via["node"] != r["node"]:
                    return REJECTED
                before.append(via)
            elif self.is_held(r["via"]):
                return REJECTED
            else:
                waits = True
        for b in before:
            if self.first(b["id"]) == REJECTED:
                return REJECTED
            waits = waits or self.first(b["id"]) == WAITING
        if r["prev"] is not None and r["prev"] not in self.records:
            waits = True

        # the document
        if r["kind"] in MEMBERSHIPS:
            if r["doc"] in self.docs:
                doc = self.docs[r["doc"]]
                state = self.doc_state(r["doc"])
                if state == UNSOUND or doc["uid"] != r["author"] or doc["home"] != r["node"]:
                    return REJECTED
                if via is not None and via["doc"] in self.docs:
                    if doc["n"] <= self.docs[via["doc"]]["n"]:
                        return REJECTED
                waits = waits or state == WAITING
            elif self.is_held(r["doc"]):
                return REJECTED
            else:
                waits = True

        # the frontier: valid authority records, none an ancestor of another
        missing = False
        for x in r["frontier"]:
            if not self.is_held(x):
                missing = True
            elif not self.is_event(x):
                return REJECTED
            elif x == "genesis":
                if len(r["frontier"]) > 1:
                    return REJECTED
            else:
                i = self.log.index[x]
                if not self.log.valid >> i & 1:
                    return REJECTED
                if any(self.log.has_seen(self.log.index[y], x) for y in r["frontier"]
                       if y in self.log.index):
                    return REJECTED
        waits = waits or missing

        # it covers those of prev and via
        seen = self.seen(r)
        for b in before:
            for x in b["frontier"]:
                covered = (x == "genesis" or x in r["frontier"]
                           or x in self.log.index and seen >> self.log.index[x] & 1)
                if not covered and not missing:
                    return REJECTED

        # a leave: of a membership below it in its branch
        if r["kind"] == "leave" and self.not_below(r, r["via"]):
            return REJECTED

        if waits:
            return WAITING
        return ACCEPTED if self.may_first(r, via) else REJECTED

    def not_below(self, r, x):
        """Is it certain that x is not below r in r's branch?"""
        at = r["prev"]
        while at != x:
            if at is None:
                return True
            if at not in self.records:
                return False            # the branch is not whole: who knows
            if x in self.records and self.records[at]["seq"] <= self.records[x]["seq"]:
                return True
            at = self.records[at]["prev"]
        return False

    def endings(self, person):
        """The bans and kicks of a person."""
        mask = 0
        for i in bits(self.log.valid):
            e = self.log.events[i]
            if e["kind"] in ("ban", "kick") and e["user"] == person:
                mask |= 1 << i
        return mask

    def may_first(self, r, via):
        """B2: with exactly the acts that it has seen, may its author do it?"""
        if r["kind"] == "leave":
            return True
        seen = self.seen(r)
        effective = self.log.effective(seen)
        facts = Reading(self.log, effective)
        if not facts.on("unbanned", r["author"]) or not facts.on("node", r["node"]):
            return False
        if r["kind"] == "join":
            return facts.way_holds(r)
        if effective & self.endings(r["author"]) & ~self.seen(via):
            return False                # over
        return r["kind"] == "move" or facts.may_write(r)

    # -- branches (B6) --

    def counting(self):
        """The ids of the records that count."""
        if self._counting is not None:
            return self._counting
        feeds = {}
        for x, r in self.records.items():
            if self.accepted(x):
                feeds.setdefault(feed_of(r), []).append(r)
        named = set()
        for x in self.names():
            named |= self.chain(self.records[x])
        counting = set(named)
        for roster in (True, False):    # panels ask which memberships count
            made = set()
            for records in feeds.values():
                if (records[0]["scope"] == "roster") == roster:
                    if not roster:
                        records = [r for r in records if r["via"] in counting]
                    made |= self.paths(records)
            counting |= made
        self._counting = counting
        return counting

    def names(self):
        """What cuts and moves name: accepted records, under their own feed."""
        cuts = [e["cut"] for i, e in enumerate(self.log.events)
                if self.log.valid >> i & 1 and "cut" in e and e["kind"] in BEAR_A_CUT]
        found = set()
        for x, r in self.records.items():
            if r["kind"] in MEMBERSHIPS and self.accepted(x):
                cuts.append(self.cut_of(r))
                if r["kind"] == "move":
                    found.add(r["via"])
        for cut in cuts:
            for feed, tips in cut.items():
                found |= {x for _, x in tips
                          if self.accepted(x) and feed_of(self.records[x]) == feed}
        return found

    def paths(self, records):
        """The records on the first paths from a root to a leaf, depth first.
        A record whose prev is not followed is not reached."""
        children = {}
        for r in records:
            children.setdefault(r["prev"], []).append(r["id"])
        counting = set()
        paths = 0
        stack = [(x, [x]) for x in sorted(children.get(None, []), reverse=True)]
        while stack and paths < PATHS_MAX:
            x, path = stack.pop()
            if x in children:
                stack += [(c, path + [c]) for c in sorted(children[x], reverse=True)]
            else:
                counting |= set(path)
                paths += 1
        return counting

    # -- cuts (B5) --

    def within(self, r, cut):
        """Is an accepted record within a cut?"""
        feed = feed_of(r)
        below_r = self.chain(r)
        for seq, x in cut.get(feed, []):
            if x in self.log.index or x == "genesis":
                continue                # held in another feed: names nothing
            if x in self.records and feed_of(self.records[x]) != feed:
                continue
            if x in self.records and x in self.counting():
                if r["id"] in self.chain(self.records[x]):
                    return True
            elif r["seq"] <= seq and not any(
                    o["seq"] <= r["seq"] and o["id"] not in below_r
                    for o in self.counting_in(feed)):
                return True             # place decides
        return False

    def counting_in(self, feed):
        if feed not in self._by_feed:
            self._by_feed[feed] = [self.records[x] for x in sorted(self.counting())
                                   if feed_of(self.records[x]) == feed]
        return self._by_feed[feed]

    # -- documents and moves (B8) --

    def later(self, r):
        """The joins and moves of the author that supersede r's document."""
        n = self.docs[self.membership(r)["doc"]]["n"]
        return [j for x, j in sorted(self.records.items())
                if j["kind"] in MEMBERSHIPS and j["author"] == r["author"]
                and self.accepted(x) and self.docs[j["doc"]]["n"] > n
                and x in self.counting() and self.spoken(j)]

    def spoken(self, r):
        """Is an accepted record spoken at home?"""
        if r["id"] not in self._spoken:
            later = self.later(r)
            self._spoken[r["id"]] = self.doc_stands(self.membership(r)["doc"]) and (
                not later or any(self.within(r, self.cut_of(j)) for j in later))
        return self._spoken[r["id"]]

    # -- second decision (B7) --

    def effective(self):
        return self.log.effective(self.log.valid)

    def cut_of_act(self, e):
        """B4: the cut of an act, or None when it binds only who has seen it."""
        if "cut" in e:
            return e["cut"]
        everybody = (e["kind"] in ("role.deny", "role.delete", "joins")
                     or e["kind"] == "panel.set" and not e.get("who", "").startswith("u:"))
        return None if everybody else {}

    def beyond(self, r):
        """The effective acts that r has not seen and beyond whose cut it lies."""
        if r["id"] not in self._beyond:
            mask = 0
            for i in bits(self.effective() & ~self.seen(r)):
                cut = self.cut_of_act(self.log.events[i])
                if cut is not None and not self.within(r, cut):
                    mask |= 1 << i
            self._beyond[r["id"]] = mask
        return self._beyond[r["id"]]

    def reading(self, r):
        return Reading(self.log, self.effective() & self.seen(r), self.beyond(r))

    def over(self, m, r):
        """Is membership m over for record r?"""
        ends = self.effective() & self.endings(m["author"]) & ~self.seen(m)
        return bool(ends & (self.seen(r) | self.beyond(r)))

    def admitted(self, j):
        """Is a join or move admitted, with the facts as it reads them?"""
        facts = self.reading(j)
        if not facts.on("unbanned", j["author"]) or not facts.on("node", j["node"]):
            return False
        if self.effective() & self.endings(j["author"]) & self.beyond(j):
            return False
        if j["kind"] == "join":
            return facts.way_holds(j)
        return self.admitted(self.records[j["via"]]) and not self.over(self.records[j["via"]], j)

    def leaves(self, m):
        """The leaves of a membership that count and are spoken at home."""
        return [r for x, r in self.records.items()
                if r["kind"] == "leave" and r["via"] == m["id"] and self.accepted(x)
                and x in self.counting() and self.spoken(r)]

    def visible(self, x):
        r = self.records[x]
        if x not in self.counting() or not self.spoken(r):          # (i), (ii)
            return False
        if r["kind"] == "leave":
            return True
        if r["kind"] in MEMBERSHIPS:
            return self.admitted(r)                                 # (iii)
        m = self.membership(r)
        facts = self.reading(r)
        return (facts.on("unbanned", r["author"]) and facts.on("node", r["node"])
                and not self.over(m, r) and facts.may_write(r)      # (iii)
                and m["id"] in self.counting() and self.spoken(m)   # (iv)
                and self.admitted(m)
                and all(self.within(r, leave["cut"]) for leave in self.leaves(m)))

    def verdict(self, x):
        if not self.accepted(x):
            return self.first(x)
        return "visible" if self.visible(x) else "hidden"

    # -- members (B9), redactions (B10) --

    def is_membership_now(self, x):
        j = self.records[x]
        return (j["kind"] in MEMBERSHIPS and self.accepted(x) and x in self.counting()
                and self.spoken(j) and self.admitted(j) and not self.later(j)
                and not self.leaves(j)
                and not self.effective() & self.endings(j["author"]) & ~self.seen(j)
                and self.log.fact_now(("node", j["node"]), self.effective()))

    def redacts(self, r):
        """The message that a visible redaction takes back, or None."""
        target = self.records.get(r["target"])
        if (target is None or target["kind"] != "msg" or not self.accepted(target["id"])
                or target["scope"] != r["scope"]):
            return None
        if r["mode"] == "recall" and target["author"] != r["author"]:
            return None
        return target["id"]

    def answer(self):
        verdicts = {x: self.verdict(x) for x in self.records}
        redacted = {self.redacts(r) for x, r in self.records.items()
                    if r["kind"] == "redact" and verdicts[x] == "visible"}
        return {
            "records": verdicts,
            "members": sorted({r["author"] for x, r in self.records.items()
                               if self.is_membership_now(x)}),
            "redacted": sorted(redacted - {None}),
        }


# --- FILE -----------------------------------------------------------------------

def named(kind, thing):
    return "%s %s" % (kind, json.dumps(thing["id"], ensure_ascii=False))


def str_or_null(x):
    return x is None or is_str(x)


def is_place(x):
    return is_int(x) and x >= 0


def check_doc(d):
    what = named("doc", d)
    field(what, d, "uid", is_str, "a string")
    field(what, d, "n", is_place, "a number from 0")
    field(what, d, "home", is_str, "a string")
    field(what, d, "prev", str_or_null, "a string or null")
    field(what, d, "by", lambda x: x in ("key", "recovery"), "key or recovery")


def check_record(r, docs):
    what = named("record", r)
    for name in ("scope", "node", "author"):
        field(what, r, name, is_str, "a string")
    field(what, r, "seq", is_place, "a number from 0")
    field(what, r, "prev", str_or_null, "a string or null")
    frontier = field(what, r, "frontier", is_names, "a list of strings")
    if not frontier:
        raise bad(what, "frontier", "empty")
    if len(set(frontier)) != len(frontier):
        raise bad(what, "frontier", "one is given twice")
    if len(frontier) > authority.PARENTS_MAX:
        raise bad(what, "frontier", "more than %d" % authority.PARENTS_MAX)
    kind = field(what, r, "kind", is_str, "a string")
    if kind not in RECORD_KINDS:
        raise bad(what, "kind", "unknown")
    for name in RECORD_KINDS[kind]:
        if name == "mode":
            field(what, r, name, lambda x: x in ("recall", "remove"), "recall or remove")
        elif name != "cut":
            field(what, r, name, is_str, "a string")
    later_join = kind == "join" and r["doc"] in docs and docs[r["doc"]]["n"] > 0
    if ("cut" in RECORD_KINDS[kind] or later_join) and "cut" not in r:
        raise bad(what, "cut", "missing")
    if "cut" in r and kind in ("join", "move", "leave"):
        authority.check_cut(what, r)


def record_edges(r):
    edges = [("frontier", x) for x in r["frontier"]]
    names = ["prev"] + [x for x in RECORD_KINDS[r["kind"]] if x in ("doc", "via", "target")]
    edges += [(name, r[name]) for name in names if r[name] is not None]
    return edges + (cut_edges(r) if r["kind"] in ("join", "move", "leave") else [])


def cut_edges(thing):
    return [("cut", x) for tips in thing.get("cut", {}).values() for _, x in tips]


def check(thing):
    authority.check_authority(thing, authority.JUDGE_KINDS)
    docs = authority.check_list(thing, "docs")
    records = authority.check_list(thing, "records")
    authority.check_once([("event", thing["events"]), ("doc", docs), ("record", records)])
    for kind, things in (("doc", docs), ("record", records)):
        for x in things:
            if x["id"] == "genesis":
                raise bad(named(kind, x), "id", "is the name of the create")
    firsts = set()
    for d in docs:
        check_doc(d)
        if d["n"] == 0 and d["prev"] is None:
            if d["uid"] in firsts:
                raise bad(named("doc", d), "uid", "has two documents 0")
            firsts.add(d["uid"])
    by_id = {d["id"]: d for d in docs}
    for r in records:
        check_record(r, by_id)
    edges = {e["id"]: authority.event_edges(e) + cut_edges(e) for e in thing["events"]}
    edges.update((d["id"], [("prev", d["prev"])] if d["prev"] else []) for d in docs)
    edges.update((r["id"], record_edges(r)) for r in records)
    found = authority.find_cycle(edges)
    if found is not None:
        kind = ("event" if any(e["id"] == found[0] for e in thing["events"])
                else "doc" if found[0] in by_id else "record")
        raise bad("%s %s" % (kind, json.dumps(found[0], ensure_ascii=False)),
                  found[1], "a cycle")


def load(data):
    thing = authority.parse(data)
    check(thing)
    return thing


def world(thing):
    sys.setrecursionlimit(20000)
    return World(authority.build(thing["owners"], thing["events"]),
                 thing["docs"], thing["records"])


def judge(thing):
    """The answer of `kithctl judge` to a checked FILE."""
    return world(thing).answer()


# --- what must be true of any answer (compare.py --self) ------------------------

def check_properties(thing, rng):
    wrong = []
    whole = world(thing)
    answer = whole.answer()
    for x, verdict in answer["records"].items():
        r = whole.records[x]
        if verdict == "visible" and r["kind"] in ("msg", "redact"):
            if answer["records"][r["via"]] != "visible":
                wrong.append("%s is visible under a membership that is not" % x)
    for person in answer["members"]:
        if not any(r["author"] == person and r["kind"] in MEMBERSHIPS
                   and answer["records"][x] == "visible" for x, r in whole.records.items()):
            wrong.append("%s is a member without a visible membership" % person)
    # Accepted and rejected never change: whatever part of the records and
    # authority somebody holds (with its ancestors), they can only wait there.
    for keep in (0.5, 0.8, 0.95):
        some = 0
        for i in range(len(whole.log.events)):
            if rng.random() < keep:
                some |= whole.log.past[i] | 1 << i
        part = World(authority.build(thing["owners"], [whole.log.events[i] for i in bits(some)]),
                     [d for d in thing["docs"] if rng.random() < keep],
                     [r for r in thing["records"] if rng.random() < keep])
        for x in part.records:
            if part.first(x) not in (WAITING, whole.first(x)):
                wrong.append("%s: %s in a part, %s in the whole" % (
                    x, part.first(x), whole.first(x)))
    return wrong


if __name__ == "__main__":
    sys.exit(authority.main(load, judge, sys.argv))
