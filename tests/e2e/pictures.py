#!/usr/bin/env python3
"""Pictures from the outside: made anew, whatever comes; refused in words; a node goes on whatever becomes of the helper."""
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kit  # noqa: E402

tap = kit.Tap()
base = kit.scratch("pictures")
node = kit.Node(base, "n", conf=kit.FAST).start()
ann = node.person("ann")


def same(a, b):
    assert a == b, "%r is not %r" % (a, b)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(w, h, text=b"", dice=None):
    rows = b"".join(b"\0" + (dice.randbytes(3 * w) if dice else b"\x20\x80\x40" * w) for y in range(h))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) +
            (chunk(b"tEXt", b"Comment\0" + text) if text else b"") + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def bring(data, kind="avatar", at=None, who=None):
    at, who = at or node, who or ann
    status, head, raw = kit.ask(at, "POST", "/api/v1/blob?kind=" + kind, data, who)
    got = json.loads(raw)
    return (status, got["error"]["code"]) if status != 200 else got


def helpers():
    """How many run for our node."""
    n = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/exe" % pid) == os.path.realpath(os.path.join(kit.BUILD, "kith-media")):
                n += 1
        except OSError:
            pass
    return n


def a_picture_is_made_anew():
    got = bring(png(900, 700, b"51.5 N 0.1 W"))
    same((got["type"], got["width"], got["height"]), ("image/webp", 512, 512))
    assert got["size"] <= 65536, got
    status, head, raw = kit.ask(node, "GET", "/blob/" + got["id"], None, ann)
    same((status, head["content-type"], raw[:4], raw[8:12], len(raw)), (200, "image/webp", b"RIFF", b"WEBP", got["size"]))
    assert b"51.5" not in raw and b"Comment" not in raw
    same(bring(png(900, 700)), got)             # the same pixels, the same file
    banner = bring(png(3200, 480), "banner")
    same((banner["width"], banner["height"]), (1600, 240))
    ann.call("account.profile", avatar=got["id"])
    same(ann.call("account.me")["avatar"], got["id"])


def what_is_none_is_refused():
    dice = random.Random(1)
    for bad in (b"no picture", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", png(64, 64)[:90],
                b"\xff\xd8\xff\xe0" + dice.randbytes(3000), b"GIF89a\x10\0\x10\0" + dice.randbytes(3000), b"RIFF\xff\0\0\0WEBPVP8L" + bytes(3000)):
        same(bring(bad), (415, "invalid_params"))
    same(bring(b""), (400, "invalid_params"))


def what_is_too_large_is_refused():
    """It says so in a few bytes, and would take gigabytes."""
    same(bring(png(16385, 1)), (422, "limit"))
    row = b"\0" * (16384 * 3)
    z, body = zlib.compressobj(9), b""
    for _ in range(2049):
        body += z.compress(b"\0" + row)
    body += z.flush()
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16384, 2049, 8, 2, 0, 0, 0)) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    assert len(bomb) < 300000, len(bomb)
    same(bring(bomb), (422, "limit"))


def many_at_once():
    got = []
    data = [png(300 + i, 300) for i in range(12)]
    threads = [threading.Thread(target=lambda d=d: got.append(bring(d))) for d in data]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    same([g for g in got if not isinstance(g, dict)], [])
    same(sorted(g["width"] for g in got), [300] * 12)       # cut to the shorter side
    kit.wait_for("no helper is left", lambda: helpers() == 0, 10)


def by_hand_it_does_nothing():
    p = subprocess.run([os.path.join(kit.BUILD, "kith-media")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=20)
    same((p.returncode, p.stdout[:2]), (0, b"\x01\x01"))        # an empty job: malformed


def a_node_without_its_helper_says_so():
    lone = os.path.join(base, "bin")
    os.mkdir(lone)
    shutil.copy(os.path.join(kit.BUILD, "kithd"), lone)
    b = kit.Node(base, "b", conf=kit.FAST, program=os.path.join(lone, "kithd")).start()
    ben = b.person("ben")
    same(bring(png(64, 64), at=b, who=ben), (501, "no_media"))
    assert isinstance(bring(png(64, 64), "file", at=b, who=ben), dict)
    same(ben.call("node.info")["pictures"], False)
    same(ann.call("node.info")["pictures"], True)
    same(b.stop(), 0)


def has(who, at, name):
    status, head, raw = kit.ask(at, "GET", "/blob/" + name, None, who)
    return raw if status == 200 else status


def others_have_it_from_whoever_is_left():
    """Three nodes and a group: what was brought at one is seen at another, and is not lost with it."""
    one = kit.Node(base, "one", conf=kit.FAST).start()
    two = kit.Node(base, "two", peers=[one], conf=kit.FAST).start()
    three = kit.Node(base, "three", peers=[one, two], conf=kit.FAST).start()
    eva, fay, gus, hal = one.person("eva"), two.person("fay"), three.person("gus"), three.person("hal")
    group = eva.call("group.new", name="G")["id"]
    link = eva.call("invite.new", group=group)["link"]
    for p in (fay, gus):
        kit.wait_for("joined", lambda p=p: p.call("group.join", link=link), 30, 0.3)
    # noise does not squeeze: this one comes in several parts
    banner = bring(png(1600, 480, dice=random.Random(2)), "banner", one, eva)
    assert 65000 * 2 < banner["size"] <= 262144, banner
    eva.call("group.set", group=group, key="banner", value=banner["id"])
    face = bring(png(600, 600), at=one, who=eva)
    eva.call("account.profile", avatar=face["id"])
    want = has(eva, one, banner["id"])
    kit.wait_for("fay sees the banner", lambda: has(fay, two, banner["id"]) == want, 20)
    kit.wait_for("fay sees the face", lambda: has(fay, two, face["id"]) == has(eva, one, face["id"]), 20)
    same(has(hal, three, banner["id"]), 404)    # not in the group, and the node has not asked for it either
    eva_face = has(eva, one, face["id"])
    kit.wait_for("gus knows of both", lambda: [g["banner"] for g in gus.call("group.list")["groups"]] == [banner["id"]], 20)
    # the first one's disk has gone bad: what it gives is not what was asked for
    second = bring(png(64, 64, dice=random.Random(3)), at=one, who=eva)
    eva.call("group.set", group=group, key="avatar", value=second["id"])
    good = has(eva, one, second["id"])
    kit.wait_for("fay sees the new one", lambda: has(fay, two, second["id"]) == good, 20)
    for folder, _, names in os.walk(os.path.join(one.state, "blobs")):
        if second["id"] in names:
            with open(os.path.join(folder, second["id"]), "r+b") as f:
                f.seek(30)
                f.write(b"\xff" * 8)
    assert has(eva, one, second["id"]) != good
    kit.wait_for("gus has a good one", lambda: has(gus, three, second["id"]) == good, 20)
    same(one.stop(), 0)
    kit.wait_for("gus has the banner from two", lambda: has(gus, three, banner["id"]) == want, 30)
    kit.wait_for("gus has the face from two", lambda: has(gus, three, face["id"]) == eva_face, 30)
    # nobody can be asked for what nobody has
    same(has(gus, three, "a" * 52), 404)
    # who is no longer in the group sees it no more, though the file lies here
    gus.call("group.leave", group=group)
    same(has(gus, three, banner["id"]), 404)
    two.stop()
    three.stop()


def friends_have_it_without_a_group():
    one = kit.Node(base, "f1", conf=kit.FAST).start()
    two = kit.Node(base, "f2", peers=[one], conf=kit.FAST).start()
    ida, jon, kim = one.person("ida"), two.person("jon"), two.person("kim")
    face = bring(png(500, 500), at=one, who=ida)
    ida.call("account.profile", avatar=face["id"])
    kit.wait_for("the nodes are linked", lambda: ida.call("user.find", text=jon.handle + "@f2")["users"], 20, 0.3)
    ida.call("friend.request", user=jon.uid)
    kit.wait_for("jon is asked", lambda: jon.call("friend.list")["friends"], 20)
    jon.call("friend.accept", user=ida.uid)
    want = has(ida, one, face["id"])
    kit.wait_for("jon sees the face", lambda: has(jon, two, face["id"]) == want, 20)
    same(has(kim, two, face["id"]), 404)
    one.stop()
    two.stop()


def a_node_stops_in_the_middle():
    """A picture is on its way: the node ends, and its helpers with it."""
    s = socket.create_connection((node.host, node.client_port))
    data = png(4000, 4000)
    s.sendall(b"POST /api/v1/blob?kind=avatar HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n" %
              (node.host.encode(), node.client_port, ann.token.encode(), len(data)) + data)
    same(node.stop(), 0)
    s.close()
    kit.wait_for("no helper is left", lambda: helpers() == 0, 10)


for name in ("a_picture_is_made_anew", "what_is_none_is_refused", "what_is_too_large_is_refused", "many_at_once", "by_hand_it_does_nothing",
             "a_node_without_its_helper_says_so", "others_have_it_from_whoever_is_left", "friends_have_it_without_a_group", "a_node_stops_in_the_middle"):
    tap.run(name.replace("_", " "), globals()[name])
tap.end()
