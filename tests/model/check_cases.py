#!/usr/bin/env python3
"""Check the hand-made cases: of the model, and of kithctl when it is named.

Usage: check_cases.py [--kithctl PATH] [NAME ...]

Of an answer, the members that the expectation names must be equal.  Of a
mistake: exit status 2, nothing on standard output, one line that holds the
given words.
"""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = {"resolve": "authority.py", "judge": "judge.py"}


def complaints(command, expect):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    err = done.stderr.decode("utf-8", "replace")
    if "mistake" in expect:
        wrong = []
        if done.returncode != 2:
            wrong.append("exit status %d, not 2" % done.returncode)
        if done.stdout:
            wrong.append("prints on standard output")
        if len(err.splitlines()) != 1:
            wrong.append("%d lines on standard error" % len(err.splitlines()))
        wrong += ["does not name %s: %s" % (word, err.strip()) for word in expect["mistake"]
                  if word not in err]
        return wrong
    if done.returncode != 0:
        return ["exit status %d: %s" % (done.returncode, err.strip())]
    got = json.loads(done.stdout.decode("utf-8"))
    wrong = []
    for key, want in expect.items():
        if key == "command" or got.get(key) == want:
            continue
        if key == "records":
            wrong += ["%s: expected %s, got %s" % (x, want.get(x), got[key].get(x))
                      for x in sorted(set(want) | set(got[key]))
                      if want.get(x) != got[key].get(x)]
        else:
            wrong.append("%s: expected %s, got %s" % (key, json.dumps(want),
                                                      json.dumps(got.get(key))))
    return wrong


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--kithctl")
    ap.add_argument("names", nargs="*")
    args = ap.parse_args()
    folder = os.path.join(HERE, "cases")
    suffix = ".expect.json"
    names = args.names or sorted(n[:-len(suffix)] for n in os.listdir(folder)
                                 if n.endswith(suffix))
    failed = 0
    for name in names:
        path = os.path.join(folder, name + ".json")
        with open(os.path.join(folder, name + suffix), encoding="utf-8") as f:
            expect = json.load(f)
        what = expect["command"]
        runs = [("model", [sys.executable, os.path.join(HERE, MODELS[what]), path])]
        if args.kithctl:
            runs.append(("kithctl", [args.kithctl, what, path]))
            if "mistake" not in expect:
                runs += [("kithctl --shuffle %d" % s,
                          [args.kithctl, what, "--shuffle", str(s), path]) for s in (1, 2)]
        for who, command in runs:
            for line in complaints(command, expect):
                failed += 1
                print("%s (%s): %s" % (name, who, line))
    print("cases: %d, %s" % (len(names), "%d complaints" % failed if failed else "all as expected"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
