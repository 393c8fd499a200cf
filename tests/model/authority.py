#!/usr/bin/env python3
"""Plain model of RULES part A, over the file format of `kithctl resolve`.

Usage: authority.py FILE|-

Written for reading, not for speed.  A set of events is an int used as a bit
set: bit i is event i of the Log.  Events are numbered so that ancestors come
first; nothing else depends on the numbers.
"""

import json
import sys

OWNER_LEVEL = 1000
PARENTS_MAX = 16
INT_MAX = 2 ** 63 - 1

# Facts are tuples; these are on when nobody has written them (A5).
ON_AT_FIRST = {"unbanned", "voice", "node", "open", "joins", "undenied", "invite"}
# Restrictions on a person or node (A9): lifted only by their own level or above.
RESTRICTED = {"unbanned", "voice", "node"}

# kind -> its fields in FILE
RESOLVE_KINDS = {
    "role.create": ("level", "perms", "may"),
    "role.allow": ("role", "perms"),
    "role.deny": ("role", "perms"),
    "role.delete": ("role",),
    "role.grant": ("role", "user"),
    "role.revoke": ("role", "user"),
    "ban": ("user",),
    "unban": ("user",),
    "owner.add": ("user",),
    "owner.resign": (),
    "set": ("key", "value"),
}
JUDGE_KINDS = dict(RESOLVE_KINDS, **{
    "kick": ("user",),
    "mute": ("user",),
    "unmute": ("user",),
    "panel.set": ("panel", "open|who"),
    "node.ban": ("node",),
    "node.unban": ("node",),
    "joins": ("open",),
    "admit": ("user",),
    "invite.revoke": ("invite",),
})

PERMISSION = {
    "role.create": "role.manage", "role.allow": "role.manage",
    "role.deny": "role.manage", "role.delete": "role.manage",
    "role.grant": "role.manage", "role.revoke": "role.manage",
    "ban": "member.ban", "unban": "member.ban",
    "kick": "member.kick", "mute": "member.mute", "unmute": "member.mute",
    "set": "group.config", "joins": "group.config",
    "node.ban": "federation.manage", "node.unban": "federation.manage",
    "admit": "join.approve", "invite.revoke": "invite.manage",
}
ON_A_PERSON = {"ban", "unban", "kick", "mute", "unmute"}
LIFTS = {"unban": "unbanned", "unmute": "voice", "node.unban": "node"}


class Mistake(Exception):
    """A mistake in FILE: one line that names the event and the field."""


# --- what an event says -------------------------------------------------------

def target_person(e):
    """The person that an act on a person is about, else None (A4, A13)."""
    if e["kind"] in ON_A_PERSON:
        return e["user"]
    if e["kind"] == "panel.set" and e.get("who", "").startswith("u:"):
        return e["who"][2:]
    return None


def target_role(e):
    """The role that an act on a role is about, else None."""
    if e["kind"].startswith("role.") and e["kind"] != "role.create":
        return e["role"]
    if e["kind"] == "panel.set" and e.get("who", "").startswith("r:"):
        return e["who"][2:]
    return None


def is_self_revoke(e):
    return (e["kind"] == "role.revoke" and e["user"] == e["author"]
            and e["via"] is not None and e["role"] == e["via"])


def ceiling(e):
    return e.get("may", e["perms"])


def writes_of(e):
    """The facts that an event writes, as (fact, on or off) (A5, A13)."""
    kind = e["kind"]
    if kind == "role.create":
        return ([(("role", e["id"]), True)]
                + [(("perm", e["id"], p), True) for p in sorted(set(e["perms"]))])
    if kind == "role.delete":
        return [(("role", e["role"]), False)]
    if kind in ("role.allow", "role.deny"):
        return [(("perm", e["role"], p), kind == "role.allow")
                for p in sorted(set(e["perms"]))]
    if kind in ("role.grant", "role.revoke"):
        return [(("holds", e["role"], e["user"]), kind == "role.grant")]
    if kind == "ban":
        return [(("unbanned", e["user"]), False), (("admitted", e["user"]), False)]
    if kind == "unban":
        return [(("unbanned", e["user"]), True)]
    if kind == "kick":
        return [(("admitted", e["user"]), False)]
    if kind in ("mute", "unmute"):
        return [(("voice", e["user"]), kind == "unmute")]
    if kind == "owner.add":
        return [(("owner", e["user"]), True)]
    if kind == "owner.resign":
        return [(("owner", e["author"]), False)]
    if kind in ("node.ban", "node.unban"):
        return [(("node", e["node"]), kind == "node.unban")]
    if kind == "joins":
        return [(("joins",), e["open"])]
    if kind == "admit":
        return [(("admitted", e["user"]), True)]
    if kind == "invite.revoke":
        return [(("invite", e["invite"]), False)]
    if kind == "panel.set" and "open" in e:
        return [(("open", e["panel"]), e["open"])]
    if kind == "panel.set":
        undenied = ("undenied", e["panel"], e["who"])
        allowed = ("allowed", e["panel"], e["who"])
        return {"allow": [(undenied, True), (allowed, True)],
                "deny": [(undenied, False), (allowed, False)],
                "inherit": [(undenied, True), (allowed, False)]}[e["value"]]
    return []                                   # set: a register


def bits(mask):
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


# --- the rules ------------------------------------------------------------------

class Log:
    """Authority events, ancestors first, each with its first decision."""

    def __init__(self, owners):
        self.owners = list(owners)
        self.events = []        # as in FILE
        self.index = {}         # id -> number
        self.past = []          # ancestors
        self.future = []        # descendants
        self.level = []         # A1: the level of `via`; None: via not seen
        self.on = {}            # fact -> events that turn it on
        self.off = {}           # fact -> events that turn it off
        self.at_level = {}      # level -> events
        self.resigns = {}       # person -> their owner.resign
        self.grants = {}        # (role, person) -> grants
        self.roles = {}         # role -> its role.create
        self.people = set(owners)
        self.valid = 0
        self._effective = {}

    def add(self, e):
        """Take one event whose parents have all been added."""
        i = len(self.events)
        past = 0
        for p in e["parents"]:
            if p != "genesis":
                past |= self.past[self.index[p]] | 1 << self.index[p]
        self.events.append(e)
        self.index[e["id"]] = i
        self.past.append(past)
        self.future.append(0)
        for a in bits(past):
            self.future[a] |= 1 << i
        if e["kind"] == "role.create":
            self.roles[e["id"]] = e
        if e["via"] is None:
            self.level.append(OWNER_LEVEL)
        elif self.has_seen(i, e["via"]):
            self.level.append(self.roles[e["via"]]["level"])
        else:
            self.level.append(None)
        if self._is_valid(i):
            self.valid |= 1 << i
            for fact, on in writes_of(e):
                table = self.on if on else self.off
                table[fact] = table.get(fact, 0) | 1 << i
            self.at_level[self.level[i]] = self.at_level.get(self.level[i], 0) | 1 << i
            if e["kind"] == "owner.resign":
                self.resigns[e["author"]] = self.resigns.get(e["author"], 0) | 1 << i
            if e["kind"] == "role.grant":
                key = (e["role"], e["user"])
                self.grants[key] = self.grants.get(key, 0) | 1 << i
        self.people.add(e["author"])
        if isinstance(e.get("user"), str):  # in some kinds a member like any other, that is ignored
            self.people.add(e["user"])
        return i

    def has_seen(self, i, event_id):
        return event_id in self.index and bool(self.past[i] >> self.index[event_id] & 1)

    def closure(self, event_ids):
        """The events named and all below them; "genesis" is below all."""
        mask = 0
        for x in event_ids:
            if x in self.index:
                mask |= self.past[self.index[x]] | 1 << self.index[x]
        return mask

    def above(self, level):
        mask = 0
        for k, at in self.at_level.items():
            if k > level:
                mask |= at
        return mask

    # -- facts --

    def default(self, fact):
        if fact[0] == "owner":
            return fact[1] in self.owners       # by `create`
        return fact[0] in ON_AT_FIRST

    def fact_on(self, fact, among, denials=0):
        """Do all causally maximal writes among these events say on?  Of the
        events in denials only what they turn off counts (B7)."""
        on = self.on.get(fact, 0) & among
        off = self.off.get(fact, 0) & (among | denials)
        if not on | off:
            return self.default(fact)
        return all(self.future[w] & (on | off) for w in bits(off))

    def standing(self, fact, among, denials=0):
        """The restrictions among these events not lifted by a later write of
        their own level or above (A4, A9)."""
        on = self.on.get(fact, 0) & among
        return [w for w in bits(self.off.get(fact, 0) & (among | denials))
                if not any(self.level[u] >= self.level[w]
                           for u in bits(on & self.future[w]))]

    def fact_now(self, fact, among, denials=0):
        """A9: the current state of a fact, given the effective events."""
        if fact[0] in RESTRICTED:
            return not self.standing(fact, among, denials)
        return self.fact_on(fact, among, denials)

    def holds_role(self, role, person, among):
        """Does the person hold this role, and does it exist?"""
        return (self.fact_on(("role", role), among)
                and self.fact_on(("holds", role, person), among))

    # -- A2: what an act needs of its via --

    def needs(self, e):
        if is_self_revoke(e):
            return set()                        # A4: laying down one's own role
        if e["kind"] == "panel.set":
            if "open" in e:
                return {"panel.manage"}
            return {"panel.permissions"} | ({"message.send"} if e["value"] == "allow" else set())
        needs = {PERMISSION[e["kind"]]}
        if e["kind"] == "role.create":
            needs |= set(ceiling(e))
        if e["kind"] == "role.allow":
            needs |= set(e["perms"])
        if e["kind"] == "role.grant":
            needs |= set(ceiling(self.roles[e["role"]]))
        return needs

    # -- A4 --

    def bounds_hold(self, i, seen):
        """A4, counted over the effective events of i's past."""
        e = self.events[i]
        level = self.level[i]
        person = target_person(e)
        if person is not None:
            if self.fact_on(("owner", person), seen):
                return False
            for role, made in self.roles.items():
                if made["level"] >= level and self.holds_role(role, person, seen):
                    return False
        if e["kind"] in LIFTS:
            name = e["node"] if e["kind"] == "node.unban" else e["user"]
            for w in self.standing((LIFTS[e["kind"]], name), seen):
                if self.level[w] > level:
                    return False
        return True

    # -- A6 --

    def form_is_right(self, i):
        """What of A6 never asks who is effective."""
        e = self.events[i]
        kind = e["kind"]
        via = e["via"]
        if self.past[i] & ~self.valid:
            return False                        # an ancestor is invalid
        if via is not None:
            if kind.startswith("owner."):
                return False
            if not self.has_seen(i, via):
                return False
            if not self.grants.get((via, e["author"]), 0) & self.past[i]:
                return False
        level = self.level[i]
        if kind == "role.create":
            if not 1 <= e["level"] <= 99 or e["level"] >= level:
                return False
            if not set(e["perms"]) <= set(ceiling(e)):
                return False                    # A3
        role = target_role(e)
        if role is not None:
            if not self.has_seen(i, role):
                return False
            if self.roles[role]["level"] >= level and not is_self_revoke(e):
                return False
            if kind == "role.allow" and not set(e["perms"]) <= set(ceiling(self.roles[role])):
                return False                    # A3
        if target_person(e) == e["author"]:
            return False
        return True

    def _is_valid(self, i):
        """A6: from the event's own ancestors only."""
        if not self.form_is_right(i):
            return False
        e = self.events[i]
        effective = self.effective(self.past[i])
        if e["kind"] == "owner.resign":         # A8 (i)
            return (self.fact_on(("owner", e["author"]), effective)
                    and any(self.fact_on(("owner", u), effective)
                            for u in self.people if u != e["author"]))
        return self.stands(i, effective, self.past[i])

    # -- A7 --

    def concurrent(self, i, mask):
        return mask & ~(self.past[i] | self.future[i] | 1 << i)

    def stands(self, i, effective, held):
        """A7: does all hold that valid event i relies on, when of the events
        held these are effective?"""
        e = self.events[i]
        if e["kind"] == "owner.resign":
            return True                         # A8 (i)
        seen = effective & self.past[i]
        if e["via"] is None:
            if not self.fact_on(("owner", e["author"]), seen):
                return False
            if self.concurrent(i, held & self.resigns.get(e["author"], 0)):
                return False                    # A8 (i)
        else:
            senior = self.above(self.level[i])
            against = self.concurrent(i, effective) & senior
            relied = [("role", e["via"]), ("holds", e["via"], e["author"])]
            relied += [("perm", e["via"], p) for p in self.needs(e)]
            if not all(self.fact_on(fact, seen) for fact in relied):
                return False
            unbanned = ("unbanned", e["author"])
            if not self.fact_on(unbanned, seen & senior):
                return False
            if any(self.off.get(fact, 0) & against for fact in relied + [unbanned]):
                return False
        return self.bounds_hold(i, seen)

    def effective(self, held):
        """A7: the effective events of a set of valid ones that holds its own
        ancestors.  One pass, from the highest level down."""
        if held not in self._effective:
            effective = 0
            for i in sorted(bits(held), key=lambda i: (-self.level[i], i)):
                if self.stands(i, effective, held):
                    effective |= 1 << i
            self._effective[held] = effective
        return self._effective[held]

    # -- A9 --

    def names(self, mask):
        return sorted(self.events[i]["id"] for i in bits(mask))

    def values(self, effective):
        """Each register's value, or the list of those that the smallest id
        would choose from."""
        writes = {}
        for i in bits(effective):
            if self.events[i]["kind"] == "set":
                key = self.events[i]["key"]
                writes[key] = writes.get(key, 0) | 1 << i
        values = {}
        for key, mask in writes.items():
            maximal = [i for i in bits(mask) if not self.future[i] & mask]
            top = max(self.level[i] for i in maximal)
            left = sorted(self.events[i]["value"] for i in maximal if self.level[i] == top)
            values[key] = left[0] if len(left) == 1 else left
        return values

    def state(self):
        effective = self.effective(self.valid)
        every = (1 << len(self.events)) - 1
        roles = {}
        holders = {}
        for role, made in self.roles.items():
            if not self.fact_now(("role", role), effective):
                continue
            roles[role] = {
                "level": made["level"],
                "perms": sorted(p for p in set(ceiling(made))
                                if self.fact_now(("perm", role, p), effective)),
            }
            holders[role] = sorted(u for u in self.people
                                   if self.fact_now(("holds", role, u), effective))
        return {
            "effective": self.names(effective),
            "void": self.names(self.valid & ~effective),
            "invalid": self.names(every & ~self.valid),
            "roles": roles,
            "holders": holders,
            "banned": sorted(u for u in self.people
                             if not self.fact_now(("unbanned", u), effective)),
            "owners": sorted(u for u in self.people
                             if self.fact_now(("owner", u), effective)),
            "values": self.values(effective),
        }


# --- FILE -----------------------------------------------------------------------

def _no_doubles(pairs):
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a member is given twice")
    return made


def _no_constant(word):
    raise ValueError("%s is no JSON" % word)


def parse(data):
    """FILE's bytes as a JSON object."""
    try:
        thing = json.loads(data.decode("utf-8"), object_pairs_hook=_no_doubles,
                           parse_constant=_no_constant)
        json.dumps(thing, ensure_ascii=False).encode("utf-8")   # lone surrogates
    except (ValueError, RecursionError) as why:
        raise Mistake("FILE: not JSON: %s" % " ".join(str(why).split()))
    if not isinstance(thing, dict):
        raise Mistake("FILE: not a JSON object")
    return thing


def bad(what, field, why):
    return Mistake("%s: %s: %s" % (what, field, why))


def is_names(x):
    return isinstance(x, list) and all(isinstance(y, str) for y in x)


def is_int(x):
    return isinstance(x, int) and not isinstance(x, bool) and abs(x) <= INT_MAX


def field(what, thing, name, good, kind_of):
    if name not in thing:
        raise bad(what, name, "missing")
    if not good(thing[name]):
        raise bad(what, name, "not %s" % kind_of)
    return thing[name]


def is_str(x):
    return isinstance(x, str)


def check_cut(what, thing):
    cut = thing["cut"]
    good = isinstance(cut, dict) and all(
        "/" in feed and isinstance(tips, list) and all(
            isinstance(tip, list) and len(tip) == 2 and is_int(tip[0]) and tip[0] >= 0
            and is_str(tip[1]) for tip in tips)
        for feed, tips in cut.items())
    if not good:
        raise bad(what, "cut", "not an object of SCOPE/NODE to [[seq, id], ...]")


def check_event(e, kinds):
    what = "event %s" % json.dumps(e["id"], ensure_ascii=False)
    if e["id"] == "genesis":
        raise bad(what, "id", "is the name of the create")
    field(what, e, "author", is_str, "a string")
    field(what, e, "via", lambda x: x is None or is_str(x), "a string or null")
    parents = field(what, e, "parents", is_names, "a list of strings")
    kind = field(what, e, "kind", is_str, "a string")
    if kind not in kinds:
        raise bad(what, "kind", "unknown")
    for name in kinds[kind]:
        if name == "level":
            field(what, e, name, is_int, "an integer")
        elif name == "perms":
            field(what, e, name, is_names, "a list of strings")
        elif name == "may":
            if name in e:
                field(what, e, name, is_names, "a list of strings")
        elif name == "open":
            field(what, e, name, lambda x: isinstance(x, bool), "true or false")
        elif name == "open|who":
            if "open" in e:
                field(what, e, "open", lambda x: isinstance(x, bool), "true or false")
                for other in ("who", "value"):
                    if other in e:
                        raise bad(what, other, "beside open")
            else:
                field(what, e, "who", lambda x: is_str(x) and x[:2] in ("u:", "r:"),
                      "u:NAME or r:ROLE")
                field(what, e, "value", lambda x: x in ("allow", "deny", "inherit"),
                      "allow, deny or inherit")
        else:
            field(what, e, name, is_str, "a string")
    if "cut" in e and kinds is JUDGE_KINDS:
        check_cut(what, e)
    if not parents:
        raise bad(what, "parents", "empty")
    if len(parents) > PARENTS_MAX:
        raise bad(what, "parents", "more than %d" % PARENTS_MAX)
    if len(set(parents)) != len(parents):
        raise bad(what, "parents", "one is given twice")
    if "genesis" in parents and len(parents) > 1:
        raise bad(what, "parents", "\"genesis\" beside others")


def event_edges(e):
    """What an event names and so must have been made before it."""
    edges = [("parents", p) for p in e["parents"] if p != "genesis"]
    if e["via"] is not None:
        edges.append(("via", e["via"]))
    if target_role(e) is not None:
        edges.append(("who" if e["kind"] == "panel.set" else "role", target_role(e)))
    return edges


def find_cycle(edges):
    """edges: id -> [(field, id)].  Some (id, field) on a cycle, or None."""
    done = set()
    for start in edges:
        if start in done:
            continue
        path = [(start, iter(edges[start]))]
        on_path = {start}
        while path:
            at, rest = path[-1]
            for name, to in rest:
                if to in on_path:
                    return at, name
                if to in edges and to not in done:
                    path.append((to, iter(edges[to])))
                    on_path.add(to)
                    break
            else:
                path.pop()
                on_path.discard(at)
                done.add(at)
    return None


def check_list(thing, name):
    """A list of objects, each with an id of its own."""
    if name not in thing:
        raise bad("FILE", name, "missing")
    if not isinstance(thing[name], list) or not all(isinstance(x, dict) for x in thing[name]):
        raise bad("FILE", name, "not a list of objects")
    for n, x in enumerate(thing[name]):
        if not is_str(x.get("id")):
            raise bad("%s %d" % (name, n), "id", "missing or not a string")
    return thing[name]


def check_once(lists):
    seen = set()
    for name, things in lists:
        for x in things:
            if x["id"] in seen:
                raise bad("%s %s" % (name, json.dumps(x["id"], ensure_ascii=False)),
                          "id", "given twice")
            seen.add(x["id"])


def check_authority(thing, kinds=RESOLVE_KINDS):
    """Refuse every mistake in owners and events but cycles."""
    owners = field("FILE", thing, "owners", is_names, "a list of strings")
    if not owners:
        raise bad("FILE", "owners", "empty")
    if len(set(owners)) != len(owners):
        raise bad("FILE", "owners", "one is given twice")
    events = check_list(thing, "events")
    check_once([("event", events)])
    for e in events:
        check_event(e, kinds)
    ids = {e["id"] for e in events}
    roles = {e["id"] for e in events if e["kind"] == "role.create"}
    for e in events:
        what = "event %s" % json.dumps(e["id"], ensure_ascii=False)
        for name, to in event_edges(e):
            if name == "parents" and to not in ids:
                raise bad(what, name, "unknown")
            if name != "parents" and to not in roles:
                raise bad(what, name, "names no role.create")


def refuse_cycle(edges):
    found = find_cycle(edges)
    if found is not None:
        raise bad("event %s" % json.dumps(found[0], ensure_ascii=False), found[1], "a cycle")


def build(owners, events):
    """The Log of checked events, in whatever order FILE has them."""
    log = Log(owners)
    left = list(events)
    while left:
        later = []
        for e in left:
            if all(p == "genesis" or p in log.index for p in e["parents"]):
                log.add(e)
            else:
                later.append(e)
        left = later
    return log


def load(data):
    thing = parse(data)
    check_authority(thing)
    refuse_cycle({e["id"]: event_edges(e) for e in thing["events"]})
    return thing


def resolve(thing):
    """The answer of `kithctl resolve` to a checked FILE."""
    return build(thing["owners"], thing["events"]).state()


def dump(answer):
    return json.dumps(answer, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def main(load_file, answer, argv):
    if len(argv) != 2:
        sys.stderr.write("usage: %s FILE|-\n" % argv[0])
        return 2
    try:
        if argv[1] == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(argv[1], "rb") as f:
                data = f.read()
        thing = load_file(data)
    except (Mistake, OSError) as why:
        sys.stderr.buffer.write(("%s\n" % " ".join(str(why).split())).encode(
            "utf-8", "backslashreplace"))
        return 2
    sys.stdout.buffer.write((dump(answer(thing)) + "\n").encode("utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main(load, resolve, sys.argv))
