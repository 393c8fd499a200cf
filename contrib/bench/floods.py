#!/usr/bin/env python3
"""Memory and honest people's patience under each kind of flood, measured with a real node.

usage: floods.py [--seconds N] [--json] [FLOOD...]      run from a release build folder, or with KITH_BUILDDIR

Eight honest people talk and read in a group, two of them over a new connection each time. Meanwhile, for N (20)
seconds each, from up to 1,000 addresses of loopback, with the lower priority of somebody who is on other machines:

  connections   2,000 kept open, that say nothing or one letter at a time
  handshakes    TLS on both ports, begun, cut, garbled, and whole
  http          heads and bodies beyond all limits, noise, requests inside requests
  websocket     64 sockets of guests that send messages too long, broken or senseless
  logins        wrong passwords, 64 at a time (argon2)
  peer          a peer that has authenticated and joined, whose frames are nonsense or said before
  spam          20 guests in the group who send, react, edit and read as fast as they are let

Each must leave the node with at most 512 MiB resident (the mapped store apart) and honest people with a 99th
percentile below 500 ms and no failure. A new connection that is turned away in a crowd is tried again at once; the
time that takes counts.
"""
import argparse
import glob
import http.client
import json
import os
import random
import resource
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
import kit  # noqa: E402

a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
a.add_argument("--seconds", type=float, default=20)
a.add_argument("--json", action="store_true")
a.add_argument("--attack", help=argparse.SUPPRESS)         # one flood, in a process of its own
a.add_argument("floods", nargs="*")
opt = a.parse_args()
FLOODS = ["connections", "handshakes", "http", "websocket", "logins", "peer", "spam"]


# ---- the floods: each runs until it is killed

def connect(port, host_part=None):
    s = socket.socket()
    s.settimeout(5)
    s.bind(("127.%d.%d.7" % (random.randrange(1, 5), random.randrange(250)), 0))
    s.connect(("127.0.0.1", port))
    return s


def forever(n, once):
    """once() in n threads, whatever comes of it."""
    def run():
        while True:
            try:
                once()
            except (OSError, ValueError, http.client.HTTPException):
                time.sleep(0.002)
    ts = [threading.Thread(target=run, daemon=True) for _ in range(n)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()


def connections(to):
    held = []
    while True:
        try:
            held.append(connect(random.choice([to["client"], to["peer"]])))
        except OSError:
            time.sleep(0.005)
        if len(held) > 2000 or (held and random.random() < 0.2):
            s = random.choice(held)
            try:
                s.setblocking(False)
                s.send(random.choice(b"GETPOSTx\r\n \x16").to_bytes(1, "big"))
                if s.recv(100) == b"":
                    raise ConnectionError
            except BlockingIOError:
                pass
            except OSError:
                s.close()
                held.remove(s)
        if len(held) > 2000:
            held.pop(0).close()


def handshakes(to):
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE

    def once():
        port = random.choice([to["client"], to["peer"]])
        with connect(port) as s:
            kind = random.randrange(4)
            if kind == 0:
                ctx.wrap_socket(s).close()
            elif kind == 1:
                s.sendall(b"\x16\x03\x01" + struct.pack(">H", 16000) + os.urandom(random.randrange(16000)))
            else:
                ins, outs = ssl.MemoryBIO(), ssl.MemoryBIO()
                o = ctx.wrap_bio(ins, outs)
                try:
                    o.do_handshake()
                except ssl.SSLError:
                    pass
                hello = bytearray(outs.read())
                if kind == 2:
                    hello[random.randrange(5, len(hello))] ^= 1 << random.randrange(8)
                s.sendall(hello)
                s.recv(10000)
    forever(16, once)


def http_noise(to):
    def once():
        with connect(to["client"]) as s:
            kind = random.randrange(6)
            if kind == 0:
                s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"x%d: %s\r\n" % (i, b"y" * 600) for i in range(60)) + b"\r\n")
            elif kind == 1:
                s.sendall(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n")
            elif kind == 2:
                n = random.choice([262144, 262145, 1 << 40])
                s.sendall(b"POST /api/v1/account.login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                          b"Content-Length: %d\r\n\r\n" % n + b"[" * 262144)
            elif kind == 3:
                s.sendall(os.urandom(random.randrange(1, 30000)))
            elif kind == 4:
                s.sendall(b"POST /api/v1/node.info HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(300):
                    s.sendall(b"400\r\n" + b"z" * 1024 + b"\r\n")
            else:
                s.sendall(b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
            while s.recv(65536):
                pass
    forever(32, once)


def ws_open(to, token):
    s = connect(to["client"])
    s.sendall(("GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Protocol: kith.json\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer %s\r\n\r\n"
               % token).encode())
    if b" 101 " not in s.recv(4096):
        raise OSError("refused")
    return s


def ws_frame(op, payload, fin=0x80):
    n = len(payload)
    size = bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n) if n < 65536 else b"\xff" + struct.pack(">Q", n)
    return bytes([fin | op]) + size + bytes(4) + payload


def websocket(to):
    def once():
        with ws_open(to, random.choice(to["tokens"])) as s:
            for _ in range(200):
                kind = random.randrange(7)
                if kind == 0:
                    s.sendall(ws_frame(1, b'{"jsonrpc":"2.0","id":1,"method":"sync","params":{}}') * 20)
                elif kind == 1:
                    s.sendall(ws_frame(1, b'{"a":' * 50000))
                elif kind == 2:
                    s.sendall(ws_frame(1, b"x" * 2000, 0) + b"".join(ws_frame(0, b"y" * 2000, 0) for _ in range(127)))
                elif kind == 3:
                    s.sendall(ws_frame(1, b"z" * 262145))
                elif kind == 4:
                    s.sendall(os.urandom(200))
                elif kind == 5:
                    s.sendall(ws_frame(9, b"ping") * 30)
                else:       # and never reads the answers
                    s.sendall(ws_frame(1, json.dumps({"jsonrpc": "2.0", "id": 1, "method": "message.list", "params": {
                        "group": to["group"], "panel": to["panel"], "limit": 100}}).encode()) * 50)
    forever(64, once)


def post(s, method, params, token=None):
    body = json.dumps(params).encode()
    s.sendall(b"POST /api/v1/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
        method.encode(), b"Authorization: Bearer %s\r\n" % token.encode() if token else b"", len(body), body))


def logins(to):
    def once():
        with connect(to["client"]) as s:
            post(s, "account.login", {"name": random.choice(["ada", "nobody", "honest0"]), "password": "wrong %d" % random.randrange(1 << 30)})
            s.recv(4096)
    forever(64, once)


def spam(to):
    def once():
        with connect(to["client"]) as s:
            token = random.choice(to["tokens"])
            for _ in range(100):
                kind = random.randrange(4)
                where = {"group": to["group"], "panel": to["panel"]}
                if kind == 0:
                    post(s, "message.send", dict(where, text="spam " * random.choice([1, 6000])), token)
                elif kind == 1:
                    post(s, "message.list", dict(where, limit=100), token)
                elif kind == 2:
                    post(s, "typing", where, token)
                else:
                    post(s, "sync", {}, token)
                if not s.recv(65536):
                    return
    forever(40, once)


def peer(to):
    files = glob.glob(os.path.join(TOP, "tests/fuzz/corpus/frame/*"))
    os.execv(os.path.join(kit.BUILD, "tests/e2e/badpeer"), ["badpeer", "127.0.0.1:%d" % to["peer"], "3600", str(random.randrange(1 << 20)),
                                                             to["link"]] + files)


if opt.attack:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    os.nice(15)
    given = json.loads(sys.stdin.readline())
    {"connections": connections, "handshakes": handshakes, "http": http_noise, "websocket": websocket, "logins": logins, "peer": peer,
     "spam": spam}[opt.attack](given)


# ---- the node and its honest people

base = kit.scratch("floods")
# the two of one household may come and go as they please; rates are what they are out of the box, but for setting this up
node = kit.Node(base, "n", conf="rate_register = off\nrate_join = off\n").start()
owner = node.person("ada")
made = owner.call("group.new", name="garden", join="open")
link = owner.call("invite.new", group=made["id"])["link"]
honest = [node.person("honest%d" % i) for i in range(8)]
guests = [kit.Person(node).guest("g%d" % i) for i in range(20)]
for p in honest + guests:
    p.call("group.join", link=link)
target = {"client": node.client_port, "peer": node.peer_port, "group": made["id"], "panel": made["panel"], "link": link,
          "tokens": [g.token for g in guests]}
# what is attacked from elsewhere is not attacked by sessions that are open here
for p in guests:
    p.conn.close()


def measure(flood, seconds):
    took, bad, stop, peak, again = [], [], threading.Event(), [0], [0]
    lock = threading.Lock()

    def live(i):
        p = honest[i]
        while not stop.is_set():
            for method, params in (("message.send", {"text": "hello"}), ("message.list", {"limit": 50})):
                begin = time.monotonic()
                if i < 2 and p.conn is not None:
                    p.conn.close()
                    p.conn = None
                try:
                    while True:
                        try:
                            p.call(method, group=made["id"], panel=made["panel"], timeout=10, **params)
                            break
                        except ConnectionError:
                            if i >= 2 or time.monotonic() > begin + 10:
                                raise
                            with lock:
                                again[0] += 1
                            time.sleep(0.01)
                    with lock:
                        took.append(time.monotonic() - begin)
                except Exception as e:
                    with lock:
                        bad.append("%s: %r" % (method, e))
            time.sleep(0.25)

    def watch():
        while not stop.is_set():
            peak[0] = max(peak[0], node.rss_kb())
            time.sleep(0.5)

    ts = [threading.Thread(target=live, args=(i,)) for i in range(len(honest))] + [threading.Thread(target=watch)]
    children = []
    if flood:
        for _ in range(2 if flood == "peer" else 1):
            c = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--attack", flood], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                 stderr=None if os.environ.get("KITH_KEEP") else subprocess.DEVNULL)
            c.stdin.write(json.dumps(target).encode() + b"\n")
            c.stdin.flush()
            children.append(c)
        time.sleep(1)
    for t in ts:
        t.start()
    time.sleep(seconds)
    stop.set()
    for t in ts:
        t.join()
    alive = all(c.poll() is None for c in children)
    for c in children:
        c.kill()
        c.wait()
    took.sort()
    return {"flood": flood or "none", "rss_mib": round(peak[0] / 1024, 1), "p50_ms": round(1000 * took[len(took) // 2], 1),
            "p99_ms": round(1000 * took[len(took) * 99 // 100], 1), "calls": len(took), "tried_again": again[0], "failed": len(bad), "went_on": alive,
            "why": bad[:3]}


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
results, good = [], True
for f in [None] + (opt.floods or FLOODS):
    r = measure(f, opt.seconds)
    r["ok"] = r["went_on"] and r["failed"] == 0 and r["rss_mib"] <= 512 and r["p99_ms"] < 500
    good = good and r["ok"]
    results.append(r)
    if not opt.json:
        print("%-12s %s  %6.1f MiB  p50 %6.1f ms  p99 %6.1f ms  %5d calls, %d turned away at first, %d failed%s" % (
            r["flood"], "ok  " if r["ok"] else "BAD ", r["rss_mib"], r["p50_ms"], r["p99_ms"], r["calls"], r["tried_again"], r["failed"],
            "" if not r["why"] else "  " + "; ".join(r["why"])), flush=True)
    time.sleep(2)
if opt.json:
    print(json.dumps(results))
good = node.stop() == 0 and good
sys.exit(0 if good else 1)
