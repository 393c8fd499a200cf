#!/usr/bin/env python3
"""Bytes from strangers on every port and every method: a clear error, counters, no growth, no effect on others."""
import http.client
import json
import os
import random
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kit  # noqa: E402

random.seed(7)
tap = kit.Tap()
base = kit.scratch("hostile")
node = kit.Node(base, "n", conf=kit.FAST).start()
ada = node.person("ada")
eve = node.person("eve")
made = ada.call("group.new", name="private matters")
group, panel = made["id"], made["panel"]
message = ada.call("message.send", group=group, panel=panel, text="between us")["id"]


def alive():
    before = time.monotonic()
    assert ada.page(group, panel)["messages"][0]["text"] == "between us"
    return time.monotonic() - before


def raw(data, port=None, wait=5.0):
    """What comes back for these bytes until the other side closes or is silent."""
    s = socket.create_connection(("127.0.0.1", port or node.client_port), timeout=wait)
    out = b""
    try:
        s.sendall(data)
        while True:
            got = s.recv(65536)
            if not got:
                return out, True
            out += got
            if b"\r\n\r\n" in out and b"HTTP/1.1 400" not in out and out.endswith(b"}"):
                return out, False
    except socket.timeout:
        return out, False
    except OSError:
        return out, True
    finally:
        s.close()


HOST = "127.0.0.1:%d" % node.client_port
OK = "GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % HOST


def openapi():
    """The document; tried again while the door is still closed to strangers after a crowd of them."""
    def get():
        c = http.client.HTTPConnection("127.0.0.1", node.client_port, timeout=30)
        try:
            c.request("GET", "/api/openapi.json")
            return json.loads(c.getresponse().read())
        finally:
            c.close()
    return kit.wait_for("the API document", get, 30, 0.1)


def http_oddities():
    post = "POST /api/v1/node.info HTTP/1.1\r\nHost: %s\r\n" % HOST
    bad = [
        "GET / HTTP/1.1\nHost: %s\n\n" % HOST,
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: %s\r\nHost: %s\r\n\r\n" % (HOST, HOST),
        "GET / HTTP/1.1\r\nHost : %s\r\n\r\n" % HOST,
        "GET / HTTP/1.1\r\nHost: %s\r\n folded: x\r\n\r\n" % HOST,
        "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST,
        "GET / HTTP/1.0\r\nHost: %s\r\n\r\n" % HOST,
        "GET / HTTP/2.0\r\nHost: %s\r\n\r\n" % HOST,
        "G\x00T / HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST,
        post + "Content-Length: +2\r\n\r\n{}",
        post + "Content-Length: 0x2\r\n\r\n{}",
        post + "Content-Length: 2, 2\r\n\r\n{}",
        post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n{}",
        post + "Content-Length: 99999999999999999999\r\n\r\n",
        "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST,
        "GET / HTTP/1.1\r\nHost: %s\r\n" % HOST + "".join("X-%d: y\r\n" % i for i in range(70)) + "\r\n",
        "GET / HTTP/1.1\r\nHost: %s\r\nX: %s\r\n\r\n" % (HOST, "y" * 40000),
    ]
    for b in bad:
        out, closed = raw(b.encode("latin-1"))
        assert closed and (out == b"" or out.split(b" ")[1][:1] in (b"4", b"5")), (b[:80], out[:80])
    assert b" 200 " in raw(OK.encode())[0]


def noise():
    for i in range(200):
        n = random.choice([1, 2, 16, 200, 5000])
        raw(bytes(random.randrange(256) for _ in range(n)), wait=0.05)
    for i in range(60):
        b = bytearray(OK.encode())
        for _ in range(random.randrange(1, 6)):
            b[random.randrange(len(b))] = random.randrange(256)
        raw(bytes(b), wait=0.05)


def slow_and_many():
    """Connections that say nothing do not keep others out."""
    socks = []
    for _ in range(100):
        try:
            s = socket.create_connection(("127.0.0.1", node.client_port), timeout=2)
            s.sendall(b"GET / HT")
            socks.append(s)
        except OSError:
            pass
    assert alive() < 2
    for s in socks:
        s.close()


def wrong_values():
    spec = openapi()
    junk = [None, True, -1, 2 ** 62, 1.5, "", "x" * 300, "\u202e", [], {}, [[]], {"a": {"b": []}}, "a" * 52, "7" * 52, ["a" * 52]]
    assert len(spec["paths"]) > 50
    for path, item in sorted(spec["paths"].items()):
        name = path.rsplit("/", 1)[1]
        if name in ("account.logout", "session.revoke", "account.register", "account.guest", "account.claim", "account.passwd", "account.login"):
            continue
        props = item["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
        stranger = kit.Person(node)
        if "security" not in item["post"]:
            try:
                stranger.call(name)
                raise AssertionError(name + " answers strangers")
            except kit.Refused as e:
                assert e.status in (400, 401), (name, e)
        for who in (eve,):
            for j in junk:
                try:
                    who.call(name, **{k: j for k in props})
                except kit.Refused as e:
                    assert e.status in (400, 401, 403, 404, 409, 413, 429, 503), (name, j, e)
            try:
                who.call(name, no_such_parameter=1)
                raise AssertionError(name + " takes anything")
            except kit.Refused as e:
                assert e.status == 400, (name, e)


def outsiders():
    """Every method that names a group, by somebody who is not in it: not_found, as for a group that does not exist."""
    spec = openapi()
    sample = {"group": group, "panel": panel, "id": message, "user": eve.uid, "users": [eve.uid], "role": "a" * 52, "node": node.node, "text": "x", "name": "x",
              "key": "name", "value": "x", "emoji": "x", "perm": "message.send", "effect": "allow", "level": 5, "perms": ["message.send"],
              "ids": [message], "allow": True, "order": "0" * 16 + "." + "0" * 16, "limit": 5}
    tried = 0
    for path, item in sorted(spec["paths"].items()):
        name = path.rsplit("/", 1)[1]
        schema = item["post"]["requestBody"]["content"]["application/json"]["schema"]
        if "group" not in schema["properties"]:
            continue
        tried += 1
        params = {k: sample[k] for k in schema.get("required", [])}
        answers = []
        for g in (group, "a" * 52):
            params["group"] = g
            try:
                eve.call(name, **params)
                answers.append("200")
            except kit.Refused as e:
                answers.append((e.status, e.code, e.message))
        assert answers[0] == answers[1] and answers[0][1] == "not_found", (name, answers)
    assert tried > 30
    assert eve.call("message.find", prefix=message[:10])["found"] == []


def bodies():
    for b in (b"", b"{", b"[]", b"null", b'{"a":1,"a":2}', b"[" * 100, b"{" * 40000, b'{"x":' + b"9" * 300 + b"}", b"\xff\xfe", b'"\\ud800"'):
        out, _ = raw(b"POST /api/v1/node.info HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(b) + b)
        status = int(out.split(b" ")[1])
        assert status in (200, 400, 413), (b[:20], out[:60])
    big = b"x" * (300 * 1024)
    out, _ = raw(b"POST /api/v1/node.info HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(big) + big[:1000])
    assert b" 413 " in out


def websocket(frames, token=None):
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    s = socket.create_connection(("127.0.0.1", node.client_port), timeout=3)
    s.sendall(("GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: kith.json\r\n%s\r\n" % (HOST, key, "Authorization: Bearer %s\r\n" % token if token else "")).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        got = s.recv(4096)
        if not got:
            break
        head += got
    if b" 101 " not in head:
        s.close()
        return head, b""
    out = b""
    try:
        s.sendall(frames)
        while len(out) < 1 << 20:
            got = s.recv(65536)
            if not got:
                break
            out += got
    except OSError:
        pass
    s.close()
    return head, out


def frame(op, payload, fin=1, rsv=0, mask=True):
    n = len(payload)
    head = bytes([fin << 7 | rsv << 4 | op])
    m = 0x80 if mask else 0
    head += bytes([m | n]) if n < 126 else bytes([m | 126]) + struct.pack(">H", n) if n < 65536 else bytes([m | 127]) + struct.pack(">Q", n)
    if not mask:
        return head + payload
    return head + b"\x01\x02\x03\x04" + bytes(c ^ (i % 4 + 1) for i, c in enumerate(payload))


def closes_with(out):
    i = out.rfind(b"\x88")
    return struct.unpack(">H", out[i + 2:i + 4])[0] if i >= 0 and len(out) >= i + 4 else None


def sockets():
    assert b" 101 " not in websocket(b"")[0], "a WebSocket without a session"
    assert b" 101 " not in websocket(b"", "a" * 52)[0], "a WebSocket with a made-up token"
    t = ada.token
    assert closes_with(websocket(frame(1, b"hi", mask=False), t)[1]) == 1002
    assert closes_with(websocket(frame(1, b"hi", rsv=4), t)[1]) == 1002
    assert closes_with(websocket(frame(3, b"hi"), t)[1]) == 1002
    assert closes_with(websocket(frame(9, b"x" * 126), t)[1]) == 1002
    assert closes_with(websocket(frame(1, b"\xff\xff"), t)[1]) == 1007
    assert closes_with(websocket(frame(0, b"x"), t)[1]) == 1002
    assert closes_with(websocket(frame(1, b"x" * (300 * 1024)), t)[1]) == 1009
    _, out = websocket(frame(1, b"not json") + frame(8, struct.pack(">H", 1000)), t)
    assert b"error" in out and b"-32700" in out, out
    _, out = websocket(frame(1, b'{"jsonrpc":"2.0","id":1,"method":"no.such","params":{}}') + frame(8, struct.pack(">H", 1000)), t)
    assert b"-32601" in out, out


def certificate():
    key, crt = os.path.join(base, "k.pem"), os.path.join(base, "c.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-keyout", key, "-out", crt, "-nodes", "-subj", "/CN=x", "-days", "2"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    c.minimum_version = ssl.TLSVersion.TLSv1_3
    c.set_alpn_protocols(["kith/1"])
    c.load_cert_chain(crt, key)
    return c


def peer_port():
    ctx = certificate()
    for b in (b"", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 20, b"\x16\x03\x01\xff\xff" + b"x" * 1000):
        raw(b, node.peer_port, 0.3)
    for b in (struct.pack(">I", 0xffffffff) + b"\x01", struct.pack(">I", 5000) + b"\x01" + b"x" * 5000, struct.pack(">I", 0),
              struct.pack(">I", 5) + b"\xff\x00\x00\x00\x00", struct.pack(">I", 3) + b"\x01\xc1\xc1", struct.pack(">I", 6) + b"\x01\xdd\xff\xff\xff\xff",
              struct.pack(">I", 100) + b"\x01" + b"x" * 10):
        s = ctx.wrap_socket(socket.create_connection(("127.0.0.1", node.peer_port), timeout=3), server_hostname="x")
        try:
            s.sendall(b)
            end = time.monotonic() + 1
            while time.monotonic() < end and s.recv(4096):
                pass
        except OSError:
            pass
        s.close()
    for _ in range(100):
        try:
            s = ctx.wrap_socket(socket.create_connection(("127.0.0.1", node.peer_port), timeout=3), server_hostname="x")
            n = random.randrange(1, 400)
            s.sendall(struct.pack(">I", n) + bytes(random.randrange(256) for _ in range(n)))
            s.close()
        except OSError:
            pass


def wrong_password_is_one_error():
    seen = set()
    for name, pw in (("ada", "wrong password"), ("nobody", "wrong password"), ("ada#9999999", "x" * 20)):
        try:
            kit.Person(node).call("account.login", name=name, password=pw)
            raise AssertionError("in")
        except kit.Refused as e:
            seen.add((e.status, e.code, e.message))
    assert len(seen) == 1, seen


rss = node.rss_kb()
tap.run("malformed HTTP is refused and closed", http_oddities)
tap.run("noise costs nothing", noise)
tap.run("silent connections keep nobody out", slow_and_many)
tap.run("every method refuses wrong values in words", wrong_values)
tap.run("what outsiders ask about is not found, there or not", outsiders)
tap.run("bodies that are not JSON, or too large", bodies)
tap.run("WebSockets break in words", sockets)
tap.run("the peers' port", peer_port)
tap.run("every wrong pair of name and password gives one error", wrong_password_is_one_error)
tap.run("honest people notice nothing", lambda: alive())
grown = node.rss_kb() - rss
tap.note("memory grew by %d KiB" % grown)
if not os.environ.get("ASAN_OPTIONS") and "asan" not in open("/proc/%d/maps" % node.process.pid).read():
    tap.ok(grown < 65536, "memory has not grown")
tap.ok(node.process.poll() is None, "the node is alive")
tap.ok(node.stop() == 0, "and stops when asked")
tap.end()
