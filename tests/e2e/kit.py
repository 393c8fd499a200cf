"""Real nodes for tests and measurements: start, stop, kill, ask. Python's standard library alone."""
import atexit
import http.client
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

BUILD = os.environ.get("KITH_BUILDDIR", os.getcwd())
PASSWORD = "correct horse battery"
_nodes = []


def _cleanup():
    for n in list(_nodes):
        n.kill()


atexit.register(_cleanup)


class Refused(Exception):
    def __init__(self, status, code, message, retry=0):
        super().__init__("%d %s: %s" % (status, code, message))
        self.status, self.code, self.message, self.retry = status, code, message, retry


class Node:
    """One kithd with a state folder of its own."""

    def __init__(self, base, name, peers=(), conf="", args=(), host="127.0.0.1", prefix=(), program=None):
        self.name, self.state = name, os.path.join(base, name)
        self.host, self.prefix = host, list(prefix)     # where it listens; what it is started through
        self.program = program or os.path.join(BUILD, "kithd")
        self.peers, self.args = list(peers), list(args)
        self.client_port = self.peer_port = 0
        self.process = None
        self.log = os.path.join(base, name + ".log")
        self.conf = os.path.join(base, name + ".conf")
        with open(self.conf, "w") as f:
            f.write(conf)
        os.makedirs(self.state, mode=0o700, exist_ok=True)

    def start(self, timeout=60):
        argv = self.prefix + [self.program, "--state", self.state, "--name", self.name, "--config", self.conf,
                              "--listen-client", "%s:%d" % (self.host, self.client_port),
                              "--listen-peer", "%s:%d" % (self.host, self.peer_port)]
        for p in self.peers:
            argv += ["--peer", p if isinstance(p, str) else p.peer]
        if os.geteuid() == 0:
            argv += ["--user", "nobody"]
        argv += self.args
        begin = time.monotonic()
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=open(self.log, "ab"), stdin=subprocess.DEVNULL)
        if self not in _nodes:
            _nodes.append(self)
        line = b""
        while not line.endswith(b"\n"):
            left = begin + timeout - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise RuntimeError("%s was not ready within %d s; see %s" % (self.name, timeout, self.log))
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                raise RuntimeError("%s ended at its start: %s" % (self.name, open(self.log).read()[-2000:]))
            line += byte
        self.started_s = time.monotonic() - begin
        m = re.match(r"ready client=(\S+) peer=(\S+) node=(\S+)", line.decode())
        if not m:
            raise RuntimeError("not a ready line: %r" % line)
        self.url, self.peer, self.node = m.groups()
        self.client_port = int(self.url.rsplit(":", 1)[1].rstrip("/"))
        self.peer_port = int(self.peer.rsplit(":", 1)[1])
        return self

    def signal(self, s):
        self.process.send_signal(s)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
            self.process.stdout.close()
            self.process = None
        if self in _nodes:
            _nodes.remove(self)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.process.stdout.close()
        self.process = None
        _nodes.remove(self)
        if code != 0:                # what it had to say, before its folder goes
            with open(self.log, errors="replace") as f:
                for line in f.read().splitlines()[-60:]:
                    print("# %s: %s" % (self.name, line[:300]), flush=True)
        return code

    def rss_kb(self, kind="Rss"):
        """What is resident, the mapped store apart."""
        total = store = 0
        mapped = False
        for line in open("/proc/%d/smaps" % self.process.pid):
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                mapped = line.rstrip().endswith(".mdb")
            elif line.startswith(kind + ":"):
                kb = int(line.split()[1])
                total += kb
                store += kb if mapped else 0
        return total - store

    def person(self, name):
        return Person(self).register(name)


class Person:
    """A session at a node, over one connection that is opened again when it breaks."""

    def __init__(self, node, token=None):
        self.node, self.token, self.conn = node, token, None

    def register(self, name, password=PASSWORD):
        r = self.call("account.register", name=name, password=password)
        self.token, self.uid, self.handle = r["token"], r["uid"], r["handle"]
        return self

    def guest(self, name):
        r = self.call("account.guest", name=name)
        self.token, self.uid, self.handle = r["token"], r["uid"], r["handle"]
        return self

    def call(self, method, timeout=30, **params):
        body = json.dumps(params)
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        try:
            if self.conn is None:
                self.conn = http.client.HTTPConnection(self.node.host, self.node.client_port, timeout=timeout)
            self.conn.request("POST", "/api/v1/" + method, body, headers)
            answer = self.conn.getresponse()
            raw = answer.read()
        except Exception:
            if self.conn is not None:
                self.conn.close()
            self.conn = None
            raise
        got = json.loads(raw) if raw else {}
        if answer.status != 200:
            e = got.get("error", {})
            raise Refused(answer.status, e.get("code", "?"), e.get("message", "?"), float(answer.headers.get("Retry-After", 0)))
        return got

    def patient(self, method, **params):
        """As call; waits out 429."""
        while True:
            try:
                return self.call(method, **params)
            except Refused as e:
                if e.status != 429:
                    raise
                time.sleep(max(e.retry, 0.05))

    def page(self, group, panel, limit=100, before=None):
        p = dict(group=group, panel=panel, limit=limit)
        if before:
            p["before"] = before
        return self.call("message.list", **p)

    def history(self, group, panel):
        """Everything in a panel, oldest first."""
        out, before = [], None
        while True:
            p = self.page(group, panel, before=before)
            out = p["messages"] + out
            if not p["more"] or not p["messages"]:
                return out
            before = p["messages"][0]["order"]


def ask(node, method, path, body=None, who=None, **fields):
    """Any request: status, fields by lower-case name, body."""
    c = http.client.HTTPConnection(node.host, node.client_port, timeout=30)
    headers = {k.replace("_", "-"): v for k, v in fields.items()}
    if who is not None:
        headers["Authorization"] = "Bearer " + who.token
    c.request(method, path, body, headers)
    r = c.getresponse()
    out = r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
    c.close()
    return out


def wait_for(what, ok, timeout=30, every=0.02):
    """Waits until ok() is true; the value it had. What: for the error."""
    end = time.monotonic() + timeout
    last = None
    while time.monotonic() < end:
        try:
            last = ok()
            if last:
                return last
        except (Refused, OSError, http.client.HTTPException) as e:
            last = e
        time.sleep(every)
    raise AssertionError("within %g s: %s (last: %r)" % (timeout, what, last))


class Tap:
    """Test results, one line each."""

    def __init__(self):
        self.n = self.failed = 0

    def ok(self, good, name):
        self.n += 1
        self.failed += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.n, name), flush=True)
        return good

    def note(self, text):
        print("# " + text, flush=True)

    def run(self, name, fn, *args):
        try:
            fn(*args)
            self.ok(True, name)
        except Exception as e:      # a test that breaks has failed, the others go on
            import traceback
            for line in traceback.format_exc().splitlines():
                self.note(line)
            self.ok(False, name)

    def end(self):
        print("1..%d" % self.n, flush=True)
        raise SystemExit(1 if self.failed else 0)


def scratch(prefix):
    base = tempfile.mkdtemp(prefix="kith-%s." % prefix)
    os.chmod(base, 0o755)
    keep = os.environ.get("KITH_KEEP")

    def gone():
        for n in list(_nodes):
            n.kill()
        if not keep:
            shutil.rmtree(base, ignore_errors=True)

    atexit.register(gone)
    return base


# Rates out of the way: for tests that are about something else.
FAST = "\n".join("rate_%s = 100000/1s burst 100000" % k for k in
                 ("send", "login", "register", "join", "group", "invite", "authority", "read", "upload")) + "\n"


def in_threads(n, fn):
    """fn(i) in n threads; the first exception is raised again."""
    errors = []

    def run(i):
        try:
            fn(i)
        except Exception as e:
            errors.append(e)

    ts = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    if errors:
        raise errors[0]
