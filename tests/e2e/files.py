#!/usr/bin/env python3
"""Files from the outside: bringing them, who gets them, limits, ranges, copies, and what a kill leaves."""
import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kit  # noqa: E402

tap = kit.Tap()
base = kit.scratch("files")
CONF = kit.FAST + "max_upload = 300K\nquota = 800K\n"
node = kit.Node(base, "n", conf=CONF).start()
B32 = "abcdefghijklmnopqrstuvwxyz234567"


def same(a, b):
    assert a == b, "%r is not %r" % (a, b)


def name_of(data):
    """The hash as PROTOCOL.md has it, in base32."""
    h = hashlib.blake2b(data, digest_size=32, person=b"kith/1 blob".ljust(16, b"\0")).digest()
    n, out = int.from_bytes(h, "big") << 4, ""
    for i in range(52):
        out = B32[n >> 5 * i & 31] + out
    return out


def ask(method, path, body=None, who=None, at=None, **fields):
    return kit.ask(at or node, method, path, body, who, **fields)


def bring(who, data, kind="file", at=None, **fields):
    status, head, raw = ask("POST", "/api/v1/blob?kind=" + kind, data, who, at, **fields)
    got = json.loads(raw) if raw[:1] == b"{" else {}
    return (status, got.get("error", {}).get("code")) if status != 200 else got


def get(who, name, **fields):
    return ask("GET", "/blob/" + name, None, who, **fields)


ann, ben = node.person("ann"), node.person("ben")
data = os.urandom(200000)
first = {}


def a_file_comes_back_as_it_was():
    first.update(bring(ann, data))
    same(first, {"id": name_of(data), "type": "application/octet-stream", "size": len(data), "width": 0, "height": 0})
    status, head, raw = get(ann, first["id"])
    same((status, raw == data), (200, True))
    for field, value in (("content-type", "application/octet-stream"), ("content-disposition", "attachment"),
                         ("cache-control", "private, max-age=31536000, immutable"), ("x-content-type-options", "nosniff"),
                         ("cross-origin-resource-policy", "same-origin"), ("accept-ranges", "bytes"),
                         ("etag", '"%s"' % first["id"])):
        same((field, head.get(field)), (field, value))
    assert head["content-security-policy"].startswith("sandbox;"), head
    same(get(ann, first["id"], If_None_Match=head["etag"])[0], 304)
    same(ask("HEAD", "/blob/" + first["id"], None, ann)[1]["content-length"], str(len(data)))
    same(bring(ann, data), first)               # again: the same one, counted once


def only_who_may_see_it_does():
    same(get(None, first["id"])[0], 401)
    same(get(ben, first["id"])[0], 404)
    same(get(ben, name_of(b"there is no such file"))[0], 404)
    for bad in ("", "x", "../store/data.mdb", first["id"] + "a", first["id"].upper()):
        same((bad, get(ann, bad)[0]), (bad, 404))
    same(ask("POST", "/blob/" + first["id"], b"", ann)[0], 405)
    same(bring(ben, data)["id"], first["id"])   # who has the bytes has them
    same(get(ben, first["id"])[0], 200)


def ranges():
    for asked, status, part in (("bytes=0-0", 206, data[:1]), ("bytes=10-19", 206, data[10:20]), ("bytes=199990-", 206, data[-10:]),
                                ("bytes=-5", 206, data[-5:]), ("bytes=0-999999999", 206, data), ("bytes=200000-", 416, b""),
                                ("bytes=-0", 416, b""), ("bytes=5-4", 200, data), ("bytes=1-2,4-5", 200, data),
                                ("lines=1-2", 200, data), ("bytes=a-b", 200, data), ("bytes=-999999999", 206, data)):
        got = get(ann, first["id"], Range=asked)
        same((asked, got[0], got[2] == part), (asked, status, True))
    same(get(ann, first["id"], Range="bytes=10-19")[1]["content-range"], "bytes 10-19/200000")
    same(get(ann, first["id"], Range="bytes=200000-")[1]["content-range"], "bytes */200000")
    same(get(ann, first["id"], Range="bytes=0-0", If_Range='"another"')[0], 200)


def who_may_bring_what():
    same(bring(None, b"x"), (401, "unauthorized"))
    same(bring(ann, b""), (400, "invalid_params"))
    same(bring(ann, b"x", "folder"), (400, "invalid_params"))
    same(bring(ann, b"x", Origin="http://evil.example"), (403, "denied"))
    guest = kit.Person(node).guest("gus")
    same(bring(guest, b"x"), (403, "guest"))
    # a cookie alone may not write
    c = http.client.HTTPConnection(node.host, node.client_port, timeout=20)
    c.request("POST", "/api/v1/account.login", json.dumps({"name": "ann", "password": kit.PASSWORD}), {"X-Kith-Cookie": "1"})
    r = c.getresponse()
    csrf = json.loads(r.read())["csrf"]
    cookie = r.getheader("Set-Cookie").split(";")[0]
    same(bring(None, b"by cookie", Cookie=cookie), (403, "denied"))
    same(bring(None, b"by cookie", Cookie=cookie, X_Kith_CSRF=csrf)["size"], 9)
    same(ask("GET", "/blob/" + name_of(b"by cookie"), Cookie=cookie)[0], 200)


def limits():
    same(bring(ann, b"x" * 300 * 1024)["size"], 300 * 1024)
    same(bring(ann, b"x" * (300 * 1024 + 1))[0], 413)
    # chunks without a length are counted as they come
    s = socket.create_connection((node.host, node.client_port), timeout=20)
    s.sendall(("POST /api/v1/blob?kind=file HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n"
               % (node.host, node.client_port, ann.token)).encode())
    try:
        for _ in range(8):
            s.sendall(b"10000\r\n" + b"y" * 65536 + b"\r\n")
            time.sleep(0.02)
        s.sendall(b"0\r\n\r\n")
    except OSError:
        pass
    assert b" 413 " in s.recv(4096).split(b"\r\n")[0]
    s.close()
    same(bring(ann, b"z" * 290 * 1024)["size"], 290 * 1024)
    same(bring(ann, b"w" * 100 * 1024), (413, "quota"))
    same(bring(ben, b"w" * 100 * 1024)["size"], 100 * 1024)
    half = [f for f in os.listdir(os.path.join(node.state, "blobs")) if f.startswith(".new-")]
    same(half, [])


def the_rate_of_uploads():
    slow = kit.Node(base, "slow").start()
    eve = slow.person("eve")
    seen = [bring(eve, b"%d" % i, at=slow) for i in range(12)]
    same([s for s in seen if isinstance(s, tuple)], [(429, "rate_limit")] * 2)
    same(slow.stop(), 0)


def what_is_acknowledged_survives_a_kill():
    kept = []
    for i in range(5):
        kept.append(bring(ben, b"kept %d" % i)["id"])
    # one on its way
    s = socket.create_connection((node.host, node.client_port), timeout=20)
    s.sendall(("POST /api/v1/blob?kind=file HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Bearer %s\r\nContent-Length: 100000\r\n\r\n"
               % (node.host, node.client_port, ben.token)).encode() + b"q" * 50000)
    blobs = os.path.join(node.state, "blobs")
    kit.wait_for("a draft", lambda: [f for f in os.listdir(blobs) if f.startswith(".new-")])
    node.kill()
    s.close()
    node.start()
    same([f for f in os.listdir(blobs) if f.startswith(".new-")], [])
    ben.conn = ann.conn = None
    for i, k in enumerate(kept):
        same(get(ben, k)[2], b"kept %d" % i)


def a_backup_carries_them():
    ctl = os.path.join(kit.BUILD, "kithctl")
    to, again = os.path.join(base, "copy"), os.path.join(base, "again")
    subprocess.run([ctl, "--state", node.state, "backup", to], check=True, stdout=subprocess.DEVNULL)
    assert open(os.path.join(to, "blobs", first["id"]), "rb").read() == data
    subprocess.run([ctl, "--state", again, "restore", to], check=True, stdout=subprocess.DEVNULL)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "nobody:", again], check=True)
    second = kit.Node(base, "again", conf=CONF).start()
    same(ask("GET", "/blob/" + first["id"], None, ann, second)[2], data)
    same(second.stop(), 0)




for fn in (a_file_comes_back_as_it_was, only_who_may_see_it_does, ranges, who_may_bring_what, limits, the_rate_of_uploads,
           what_is_acknowledged_survives_a_kill, a_backup_carries_them):
    tap.run(fn.__name__.replace("_", " "), fn)
same(node.stop(), 0)
tap.end()
