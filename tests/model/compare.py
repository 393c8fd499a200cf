#!/usr/bin/env python3
"""Compare kithctl with the plain model on random logs.

Usage: compare.py --kithctl PATH resolve|judge --seeds A-B [--shuffles K]
                  [--jobs J] [--events N] [--records M] [--timeout S] [--no-shrink]
       compare.py --self resolve|judge --seeds A-B [--jobs J]

--self asks the model alone for what must always be true of it.
"""

import argparse
import copy
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import authority  # noqa: E402
import generate  # noqa: E402
from authority import bits  # noqa: E402

SHRINK_S = 120


def make(args, seed):
    if args.what == "resolve":
        return generate.resolve_log(seed, args.events)
    import worlds
    return worlds.judge_log(seed, args.events, args.records)


def model(what, thing):
    """The model's answer, by the same road as a FILE takes."""
    data = authority.dump(thing).encode("utf-8")
    if what == "resolve":
        return authority.resolve(authority.load(data))
    import judge
    return judge.judge(judge.load(data))


# --- against kithctl --------------------------------------------------------------

def ask(args, path, shuffle=None):
    """kithctl's answer as bytes, or a sentence that says how it failed."""
    command = [args.kithctl, args.what]
    if shuffle is not None:
        command += ["--shuffle", str(shuffle)]
    try:
        done = subprocess.run(command + [path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=args.timeout)
    except subprocess.TimeoutExpired:
        return None, "no answer within %d s" % args.timeout
    if done.returncode != 0:
        return None, "exit status %d: %s" % (
            done.returncode, done.stderr.decode("utf-8", "replace")[-2000:].strip())
    return done.stdout, None


def verdicts(answer):
    """id -> verdict, for the difference that people read."""
    if "records" in answer:
        return dict(answer["records"])
    return {x: word for word in ("effective", "void", "invalid") for x in answer.get(word, [])}


def differences(want, got):
    lines = []
    if not isinstance(got, dict):
        return ["kithctl prints no object"]
    a, b = verdicts(want), verdicts(got)
    for x in sorted(set(a) | set(b)):
        if a.get(x) != b.get(x):
            lines.append("%s: model %s, kithctl %s" % (x, a.get(x), b.get(x)))
    for key in sorted(set(want) | set(got)):
        if key in ("effective", "void", "invalid", "records"):
            continue
        if want.get(key) != got.get(key):
            lines.append("%s: model %s, kithctl %s" % (
                key, json.dumps(want.get(key), sort_keys=True, ensure_ascii=False),
                json.dumps(got.get(key), sort_keys=True, ensure_ascii=False)))
    if not lines and want != got:
        lines.append("the answers differ in form")
    return lines


def mismatch(args, thing, directory, shuffles):
    """What is wrong with kithctl's answers to this log: a list of lines."""
    fd, path = tempfile.mkstemp(suffix=".json", dir=directory)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(authority.dump(thing))
        want = model(args.what, thing)
        out, why = ask(args, path)
        if why is not None:
            return [why]
        try:
            got = json.loads(out.decode("utf-8"))
        except ValueError as error:
            return ["kithctl prints no JSON: %s" % error]
        if got != want:
            return differences(want, got)
        for s in shuffles:
            other, why = ask(args, path, s)
            if why is not None:
                return ["--shuffle %d: %s" % (s, why)]
            if other != out:
                return ["--shuffle %d prints other bytes" % s] + differences(
                    want, json.loads(other.decode("utf-8")))
        return []
    finally:
        os.unlink(path)


# --- shrinking --------------------------------------------------------------------

def without(thing, gone):
    """The log without these ids; children go on from their parents' parents."""
    thing = copy.deepcopy(thing)
    gone = set(gone)
    by_id = {e["id"]: e for e in thing["events"]}
    while True:                                 # what names a lost role goes too
        more = {e["id"] for e in thing["events"] if e["id"] not in gone
                and any(to in gone for name, to in authority.event_edges(e)
                        if name != "parents")}
        if not more:
            break
        gone |= more

    def stand_in(ids):
        found = []
        for x in ids:
            if x in gone and x in by_id:
                found += stand_in(by_id[x]["parents"])
            else:
                found.append(x)
        found = list(dict.fromkeys(found))
        if len(found) > 1:
            found = [x for x in found if x != "genesis"]
        return found

    thing["events"] = [dict(e, parents=stand_in(e["parents"])[:authority.PARENTS_MAX])
                       for e in thing["events"] if e["id"] not in gone]
    if "records" in thing:
        thing["docs"] = [d for d in thing["docs"] if d["id"] not in gone]
        thing["records"] = [dict(r, frontier=stand_in(r["frontier"]))
                            for r in thing["records"] if r["id"] not in gone]
    return thing


def simpler(thing):
    """Smaller logs to try, the boldest first."""
    ids = [x["id"] for name in ("events", "records", "docs") for x in thing.get(name, [])]
    size = len(ids)
    while size >= 1:
        for at in range(0, len(ids), size):
            yield ids[at:at + size]
        size = size // 2


def shrink(thing, is_wrong):
    until = time.time() + SHRINK_S
    again = True
    while again and time.time() < until:
        again = False
        for gone in simpler(thing):
            have = {x["id"] for name in ("events", "records", "docs")
                    for x in thing.get(name, [])}
            gone = [x for x in gone if x in have]
            if not gone or time.time() > until:
                continue
            smaller = without(thing, gone)
            try:
                wrong = is_wrong(smaller)
            except authority.Mistake:
                continue
            if wrong:
                thing = smaller
                again = True
    return thing


# --- the model alone ----------------------------------------------------------------

def check_model(what, thing, seed):
    """What must be true of the model's answer whatever the log: a list of complaints."""
    rng = random.Random("self %s" % seed)
    wrong = []
    want = model(what, thing)
    for _ in range(3):                          # the order in FILE means nothing
        other = dict(thing)
        for name in ("events", "records", "docs", "owners"):
            if name in other:
                other[name] = generate.shuffled(rng, other[name])
        if model(what, other) != want:
            wrong.append("another order in FILE gives another answer")
            break
    log = authority.build(thing["owners"], thing["events"])
    wrong += check_log(log, rng)
    if what == "judge":
        import judge
        wrong += judge.check_properties(thing, rng)
    return wrong


def check_log(log, rng):
    wrong = []
    held = log.valid
    effective = log.effective(held)

    def equation(guess):
        made = 0
        for i in bits(held):
            if log.stands(i, guess, held):
                made |= 1 << i
        return made

    if equation(effective) != effective:
        wrong.append("the effective set is no fixed point")
    for start in (0, held, rng.getrandbits(max(1, len(log.events))) & held):
        guess = start                           # every start leads to the one fixed point
        for _ in range(len(log.events) + 2):
            guess = equation(guess)
        if guess != effective:
            wrong.append("another start of the equation ends elsewhere")
    for fact in sorted(set(log.on) | set(log.off), key=repr):
        if fact[0] in authority.RESTRICTED:     # two ways to read A9 that must agree
            if log.fact_on(fact, effective) != log.fact_now(fact, effective):
                wrong.append("maximal writes and standing restrictions differ: %r" % (fact,))
    # A verdict asks for nothing below its level: without the acts that are
    # below a level and seen by none at or above it, those at or above it keep theirs.
    for level in sorted(log.at_level):
        kept = 0
        for i in bits(held):
            if log.level[i] >= level:
                kept |= log.past[i] | 1 << i
        high = sum(1 << i for i in bits(held) if log.level[i] >= level)
        if log.effective(kept) & high != effective & high:
            wrong.append("level %d depends on lower ones" % level)
    # Void and invalid acts that nobody has seen leave no trace in the state.
    leaves = [i for i in bits(((1 << len(log.events)) - 1) & ~effective) if not log.future[i]]
    if leaves:
        rest = authority.build(log.owners, [e for i, e in enumerate(log.events)
                                            if i not in leaves])
        a, b = log.state(), rest.state()
        for key in ("effective", "roles", "holders", "banned", "owners", "values"):
            if a[key] != b[key]:
                wrong.append("what is not effective leaves a trace in %s" % key)
    # Valid for ever: any part of the log that holds its own ancestors agrees.
    some = 0
    for i in range(len(log.events)):
        if rng.random() < 0.2:
            some |= log.past[i] | 1 << i
    part = authority.build(log.owners, [log.events[i] for i in bits(some)])
    if set(part.names(part.valid)) != set(log.names(log.valid & some)):
        wrong.append("validity differs in a part of the log")
    # Denial: an off-write among the effective ones that nothing has seen turns off.
    for fact, off in log.off.items():
        if any(not log.future[w] & effective for w in bits(off & effective)):
            if log.fact_now(fact, effective):
                wrong.append("an unanswered denial does not win: %r" % (fact,))
    return wrong


# --- the run --------------------------------------------------------------------------

def one(job):
    args, seed, directory = job
    try:
        thing = make(args, seed)
        if args.self:
            return seed, thing, check_model(args.what, thing, seed)
        rng = random.Random("shuffles %s" % seed)
        shuffles = [rng.randint(1, 2 ** 31 - 1) for _ in range(args.shuffles)]
        return seed, thing, mismatch(args, thing, directory, shuffles)
    except Exception as why:                    # a broken model or generator
        import traceback
        return seed, None, ["%s: %s" % (type(why).__name__, why), traceback.format_exc()]


def report(args, seed, thing, lines, directory):
    print("%s: seed %s" % (args.what, seed))
    for line in lines[:60]:
        print("  " + line)
    if thing is None:
        return
    path = os.path.join(directory, "%s-%s.json" % (args.what, seed))
    with open(path, "w", encoding="utf-8") as f:
        json.dump(thing, f, ensure_ascii=False, indent=1)
    print("  kept as %s" % path)
    if args.no_shrink:
        return
    if args.self:
        small = shrink(thing, lambda t: bool(check_model(args.what, t, seed)))
        lines = check_model(args.what, small, seed)
    else:
        small = shrink(thing, lambda t: bool(mismatch(args, t, directory, [1, 2])))
        lines = mismatch(args, small, directory, [1, 2])
    path = os.path.join(directory, "%s-%s.small.json" % (args.what, seed))
    with open(path, "w", encoding="utf-8") as f:
        json.dump(small, f, ensure_ascii=False, indent=1)
    print("  shrunk to %d events%s: %s" % (
        len(small["events"]),
        ", %d records" % len(small["records"]) if "records" in small else "", path))
    for line in lines[:60]:
        print("  " + line)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("what", choices=["resolve", "judge"])
    ap.add_argument("--kithctl")
    ap.add_argument("--self", action="store_true")
    ap.add_argument("--seeds", required=True, help="A-B, both included")
    ap.add_argument("--shuffles", type=int, default=2)
    ap.add_argument("--jobs", type=int, default=1)
    ap.add_argument("--events", type=int)
    ap.add_argument("--records", type=int)
    ap.add_argument("--timeout", type=float, default=120)
    ap.add_argument("--no-shrink", action="store_true")
    ap.add_argument("--keep-going", action="store_true", help="do not stop at the first mismatch")
    args = ap.parse_args()
    if not args.self and not args.kithctl:
        ap.error("--kithctl or --self is needed")
    first, _, last = args.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    directory = tempfile.mkdtemp(prefix="kith-model-")
    failed = 0
    jobs = ((args, seed, directory) for seed in seeds)
    with multiprocessing.Pool(max(1, args.jobs)) as pool:
        for seed, thing, lines in pool.imap(one, jobs, chunksize=1):
            if lines:
                failed += 1
                report(args, seed, thing, lines, directory)
                if not args.keep_going:
                    pool.terminate()
                    return 1
    if failed:
        print("%s: %d of %d logs differ" % (args.what, failed, len(seeds)))
        return 1
    try:
        os.rmdir(directory)
    except OSError:
        pass
    if args.self:
        print("%s: %d logs, the model agrees with itself" % (args.what, len(seeds)))
    else:
        print("%s: %d logs, %d shuffles each, all equal" % (args.what, len(seeds), args.shuffles))
    return 0


if __name__ == "__main__":
    sys.exit(main())
