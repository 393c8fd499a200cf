#!/usr/bin/env python3
"""Random logs for the model and for kithctl.

Usage: generate.py resolve SEED [--events N]
       generate.py judge SEED [--events N] [--records M]

Most acts are what a plausible admin would do in sight of a stale part of the
log; a tail is nonsense.  The same seed gives the same log.
"""

import argparse
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import authority  # noqa: E402
from authority import bits  # noqa: E402

POWERS = ["role.manage", "member.ban", "group.config", "message.send", "paint"]
JUDGE_POWERS = ["role.manage", "member.ban", "member.kick", "member.mute", "group.config",
                "panel.manage", "panel.permissions", "federation.manage", "join.approve",
                "invite.manage", "message.send", "message.remove"]

WEIGHTS = {
    "role.create": 5, "role.allow": 6, "role.deny": 6, "role.delete": 2,
    "role.grant": 14, "role.revoke": 9, "ban": 10, "unban": 8,
    "owner.add": 5, "owner.resign": 3, "set": 5, "lay down": 3,
}
JUDGE_WEIGHTS = {
    "role.create": 2, "role.allow": 5, "role.deny": 4, "role.delete": 1,
    "role.grant": 9, "role.revoke": 6, "ban": 10, "unban": 6,
    "owner.add": 2, "owner.resign": 2, "lay down": 1,
    "kick": 5, "mute": 6, "unmute": 4, "open": 4, "override": 9,
    "node.ban": 3, "node.unban": 3, "joins": 2, "admit": 5, "invite.revoke": 2,
}


class Acts:
    """Makes authority events one by one into a Log."""

    def __init__(self, rng, owners, people, judge=False):
        self.rng = rng
        self.log = authority.Log(owners)
        self.people = people
        self.powers = JUDGE_POWERS if judge else POWERS
        self.weights = dict(JUDGE_WEIGHTS if judge else WEIGHTS)
        self.owner_kinds = rng.random() < 0.7
        self.grudge = rng.random() * 0.7        # how often acts aim at those who act
        self.panels = ["hall", "shed"]
        self.nodes = []
        self.invites = ["inv1", "inv2"]
        self.ids = 0

    def new_id(self):
        self.ids += 1
        return "%s%d" % (self.rng.choice("abcdefgh"), self.ids)

    def pick(self, things):
        things = list(things)
        return self.rng.choice(things) if things else None

    def some(self, things, most=3):
        things = sorted(things)
        return sorted(self.rng.sample(things, self.rng.randint(0, min(most, len(things)))))

    def heads(self, view):
        """The heads of a view, cut down to what one record may name."""
        found = [i for i in bits(view) if not self.log.future[i] & view]
        self.rng.shuffle(found)
        return found[:authority.PARENTS_MAX]

    def ids_of(self, numbers):
        return [self.log.events[i]["id"] for i in numbers] or ["genesis"]

    def write(self, e):
        return self.log.add(e)

    def write_act(self, author, view, nonsense=0.0):
        """One act by the author in sight of the view; its number or None."""
        heads = self.heads(view)
        view = 0
        for i in heads:
            view |= self.log.past[i] | 1 << i
        e = self.plausible(author, view)
        if e is None:
            return None
        e["parents"] = self.ids_of(heads)
        if self.rng.random() < nonsense:
            self.spoil(e)
        return self.write(e)

    def vias(self, author, view):
        log = self.log
        effective = log.effective(view)
        found = []
        if log.fact_on(("owner", author), effective):
            found += [None, None]
        if log.fact_now(("unbanned", author), effective):
            found += [r for r in sorted(log.roles) if log.holds_role(r, author, effective)]
        return found

    def perms_of(self, via, view):
        if via is None:
            return set(self.powers)
        effective = self.log.effective(view)
        return {p for p in authority.ceiling(self.log.roles[via])
                if self.log.fact_on(("perm", via, p), effective)}

    def roles_below(self, level, view):
        return [r for r in sorted(self.log.roles)
                if view >> self.log.index[r] & 1 and self.log.roles[r]["level"] < level]

    def persons_below(self, author, level, view):
        log = self.log
        effective = log.effective(view)
        found = [u for u in self.people
                 if u != author and not log.fact_on(("owner", u), effective)
                 and not any(made["level"] >= level and log.holds_role(r, u, effective)
                             for r, made in log.roles.items())]
        actors = [u for u in found if any(log.holds_role(r, u, effective) for r in log.roles)]
        return actors if actors and self.rng.random() < self.grudge else found

    def plausible(self, author, view):
        rng = self.rng
        log = self.log
        via = self.pick(self.vias(author, view))
        if via is None and not log.fact_on(("owner", author), log.effective(view)):
            return None
        level = authority.OWNER_LEVEL if via is None else log.roles[via]["level"]
        has = self.perms_of(via, view)
        effective = log.effective(view)
        e = {"id": self.new_id(), "author": author, "via": via}
        for _ in range(12):
            kind = rng.choices(list(self.weights), list(self.weights.values()))[0]
            body = self.body(kind, author, via, level, has, view, effective)
            if body is not None:
                e.update(body)
                return e
        return None

    def body(self, kind, author, via, level, has, view, effective):
        """The fields of an act of this kind, or None when it would be refused."""
        rng = self.rng
        log = self.log
        if kind == "owner.add" and via is None and self.owner_kinds:
            return {"kind": kind, "user": rng.choice(self.people)}
        if kind == "owner.resign" and via is None and self.owner_kinds:
            if sum(log.fact_on(("owner", u), effective) for u in sorted(log.people)) > 1:
                return {"kind": kind}
            return None
        if kind == "lay down" and via is not None:
            return {"kind": "role.revoke", "role": via, "user": author}
        if kind == "set" and "group.config" in has:
            return {"kind": kind, "key": rng.choice("kl"), "value": rng.choice("wxyz")}
        if kind.startswith("role.") and "role.manage" in has:
            return self.role_body(kind, level, has, view, effective)
        person = self.pick(self.persons_below(author, level, view))
        plain = {"ban": "member.ban", "kick": "member.kick", "mute": "member.mute"}
        if kind in plain and plain[kind] in has and person:
            return {"kind": kind, "user": person}
        lifts = {"unban": ("member.ban", "unbanned"), "unmute": ("member.mute", "voice")}
        if kind in lifts and lifts[kind][0] in has:
            under = [u for u in self.persons_below(author, level, view)
                     if not log.fact_now((lifts[kind][1], u), effective)
                     and all(log.level[w] <= level or rng.random() < 0.1 for w in
                             log.standing((lifts[kind][1], u), effective))]
            return {"kind": kind, "user": rng.choice(under)} if under else None
        if kind == "open" and "panel.manage" in has:
            return {"kind": "panel.set", "panel": rng.choice(self.panels),
                    "open": rng.random() < 0.5}
        if kind == "override" and "panel.permissions" in has:
            who = ["u:" + person] if person else []
            who += ["r:" + r for r in self.roles_below(level, view)]
            if not who:
                return None
            value = rng.choice(["allow", "deny", "inherit"])
            if value == "allow" and "message.send" not in has:
                value = "deny"
            return {"kind": "panel.set", "panel": rng.choice(self.panels),
                    "who": rng.choice(who), "value": value}
        if kind in ("node.ban", "node.unban") and "federation.manage" in has and self.nodes:
            banned = [n for n in self.nodes if not log.fact_now(("node", n), effective)]
            if kind == "node.unban" and not banned:
                return None
            return {"kind": kind,
                    "node": rng.choice(banned if kind == "node.unban" else self.nodes)}
        if kind == "joins" and "group.config" in has:
            return {"kind": kind, "open": rng.random() < 0.5}
        if kind == "admit" and "join.approve" in has:
            return {"kind": kind, "user": rng.choice(self.people)}
        if kind == "invite.revoke" and "invite.manage" in has:
            return {"kind": kind, "invite": rng.choice(self.invites)}
        return None

    def role_body(self, kind, level, has, view, effective):
        rng = self.rng
        log = self.log
        if kind == "role.create":
            if level < 2:
                return None
            may = self.some(has, 6)
            if "role.manage" in has and rng.random() < 0.5:
                may = sorted(set(may) | {"role.manage"})
            new = rng.choice([30, 50, 50, 70, 90, rng.randint(1, 99)])
            if new >= level:
                new = rng.randint(1, level - 1)
            body = {"kind": kind, "level": new, "perms": may}
            if rng.random() < 0.6:
                body["may"] = may
                body["perms"] = [p for p in may if rng.random() < 0.7]
            return body
        roles = self.roles_below(level, view)
        if kind == "role.grant":
            roles = [r for r in roles if set(authority.ceiling(log.roles[r])) <= has]
        if rng.random() < 0.9:
            roles = [r for r in roles if log.fact_on(("role", r), effective)]
        role = self.pick(roles)
        if role is None:
            return None
        may = authority.ceiling(log.roles[role])
        if kind == "role.delete":
            return {"kind": kind, "role": role}
        if kind == "role.allow":
            return {"kind": kind, "role": role, "perms": self.some(set(may) & has)}
        if kind == "role.deny":
            return {"kind": kind, "role": role, "perms": self.some(may if may else has)}
        user = rng.choice(self.people)
        if kind == "role.revoke":
            held = [u for u in self.people if log.holds_role(role, u, effective)]
            user = rng.choice(held) if held and rng.random() < 0.9 else user
        return {"kind": kind, "role": role, "user": user}

    def spoil(self, e):
        """Make nonsense of an act, in one of the ways that FILE allows."""
        rng = self.rng
        log = self.log
        roles = sorted(log.roles)
        for way in rng.sample(range(8), 8):
            if way == 0 and roles:              # a via perhaps unseen or not held
                e["via"] = rng.choice(roles)
            elif way == 1:                      # an owner's act by whoever
                e["via"] = None
                e["author"] = rng.choice(self.people)
            elif way == 2:
                e["author"] = rng.choice(self.people)
            elif way == 3 and "user" in e:
                e["user"] = rng.choice([e["author"], rng.choice(self.people),
                                        rng.choice(log.owners)])
            elif way == 4 and "level" in e:
                e["level"] = rng.choice([-1, 0, 100, 1000, 99, 1])
            elif way == 5 and "perms" in e:
                e["perms"] = sorted(set(e["perms"]) | {rng.choice(self.powers), "own"})
            elif way == 6 and "role" in e:      # a role perhaps unseen or too high
                e["role"] = rng.choice(roles)
            elif way == 7:                      # sees an invalid act
                wrong = [i for i in range(len(log.events)) if not log.valid >> i & 1]
                if not wrong or len(e["parents"]) == authority.PARENTS_MAX:
                    continue
                e["parents"] = [p for p in e["parents"] if p != "genesis"]
                e["parents"].append(log.events[rng.choice(wrong)]["id"])
            else:
                continue
            return


def shuffled(rng, things):
    things = list(things)
    rng.shuffle(things)
    return things


def first_roles(rng, acts, owner, grow):
    """A few roles and grants by an owner, one after the other."""
    view = 0
    roles = []
    for _ in range(grow):
        may = sorted(rng.sample(acts.powers, rng.randint(2, len(acts.powers))))
        if rng.random() < 0.7:
            may = sorted(set(may) | {"role.manage", "member.ban"})
        e = {"id": acts.new_id(), "author": owner, "via": None,
             "parents": acts.ids_of(acts.heads(view)), "kind": "role.create",
             "level": rng.choice([10, 30, 50, 50, 70, 90]), "perms": may}
        roles.append(e["id"])
        i = acts.write(e)
        view |= acts.log.past[i] | 1 << i
    for role in roles:
        for user in rng.sample(acts.people, rng.randint(1, min(3, len(acts.people)))):
            e = {"id": acts.new_id(), "author": owner, "via": None,
                 "parents": acts.ids_of(acts.heads(view)), "kind": "role.grant",
                 "role": role, "user": user}
            i = acts.write(e)
            view |= acts.log.past[i] | 1 << i
    return view


def resolve_log(seed, n_events=None):
    rng = random.Random("resolve %s" % seed)
    n = n_events if n_events is not None else rng.choice(
        [rng.randint(5, 20), rng.randint(20, 60), rng.randint(60, 200)])
    people = ["p%d" % k for k in range(rng.randint(3, 9))]
    owners = ["own%d" % k for k in range(rng.randint(1, 3))]
    acts = Acts(rng, owners, people)
    everybody = people + owners
    start = first_roles(rng, acts, owners[0], min(rng.randint(1, 5), max(1, n // 5)))
    known = {u: start for u in everybody}
    gossip = rng.choice([0.05, 0.2, 0.2, 0.5, 0.9])     # how often one hears of others
    nonsense = rng.choice([0.0, 0.05, 0.1, 0.2])
    tries = 0
    while len(acts.log.events) < n and tries < 20 * n:
        tries += 1
        author = rng.choice(everybody)
        if rng.random() < gossip:
            known[author] |= known[rng.choice(everybody)]
        view = known[author]
        if rng.random() < 0.1:                          # backdates: an older view
            old = rng.choice(list(bits(view))) if view else None
            view = acts.log.past[old] | 1 << old if old is not None else 0
        i = acts.write_act(author, view, nonsense)
        if i is not None and acts.log.valid >> i & 1 and rng.random() < 0.95:
            known[author] |= acts.log.past[i] | 1 << i
    return {"owners": owners, "events": shuffled(rng, acts.log.events[:max(n, 1)])}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("what", choices=["resolve", "judge"])
    ap.add_argument("seed")
    ap.add_argument("--events", type=int)
    ap.add_argument("--records", type=int)
    args = ap.parse_args()
    if args.what == "resolve":
        thing = resolve_log(args.seed, args.events)
    else:
        import worlds
        thing = worlds.judge_log(args.seed, args.events, args.records)
    json.dump(thing, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
