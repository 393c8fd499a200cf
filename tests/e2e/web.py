#!/usr/bin/env python3
"""The clients' port from the outside: pages, who may call, cookies, WebSockets, what is pushed."""
import base64
import gzip
import http.client
import json
import os
import re
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kit  # noqa: E402

tap = kit.Tap()
base = kit.scratch("web")
node = kit.Node(base, "n", conf=kit.FAST).start()
HOST = "127.0.0.1:%d" % node.client_port
ORIGIN = "http://" + HOST


def ask(method, path, body=None, tls=False, at=None, **fields):
    """(status, fields, body); field names have underscores for dashes."""
    if tls:
        c = http.client.HTTPSConnection("127.0.0.1", node.client_port, timeout=20, context=ssl._create_unverified_context())
    else:
        c = http.client.HTTPConnection(at or "127.0.0.1:%d" % node.client_port, timeout=20)
    headers = {k.replace("_", "-"): v for k, v in fields.items()}
    if isinstance(body, dict):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    c.request(method, path, body, headers)
    r = c.getresponse()
    out = r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
    c.close()
    return out


def post(name, body=None, **fields):
    status, head, raw = ask("POST", "/api/v1/" + name, body if body is not None else {}, **fields)
    return status, head, json.loads(raw) if raw else None


def same(a, b):
    assert a == b, "%r is not %r" % (a, b)


class WebSocket:
    def __init__(self, path="/ws", protocol="kith.json", tls=False, **fields):
        self.s = socket.create_connection(("127.0.0.1", node.client_port), timeout=20)
        if tls:
            self.s = ssl._create_unverified_context().wrap_socket(self.s)
        key = base64.b64encode(os.urandom(16)).decode()
        head = ["GET %s HTTP/1.1" % path, "Host: " + HOST, "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Key: " + key, "Sec-WebSocket-Version: 13"]
        if protocol:
            head.append("Sec-WebSocket-Protocol: " + protocol)
        head += ["%s: %s" % (k.replace("_", "-"), v) for k, v in fields.items()]
        self.s.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        self.buf = b""
        while b"\r\n\r\n" not in self.buf:
            got = self.s.recv(4096)
            if not got:
                break
            self.buf += got
        answer, _, self.buf = self.buf.partition(b"\r\n\r\n")
        self.status = int(answer.split()[1])
        self.head = answer.decode()
        self.binary = protocol == "kith.msgpack"
        self.next, self.pushed, self.answers = 0, [], {}

    def send(self, data, op=None):
        data = data if isinstance(data, bytes) else data.encode()
        op = op if op is not None else (2 if self.binary else 1)
        n = len(data)
        head = bytes([0x80 | op]) + (bytes([0x80 | n]) if n < 126 else bytes([0xfe]) + struct.pack(">H", n) if n < 65536 else
                                     bytes([0xff]) + struct.pack(">Q", n))
        self.s.sendall(head + b"\0\0\0\0" + data)

    def need(self, n):
        while len(self.buf) < n:
            got = self.s.recv(65536)
            if not got:
                raise EOFError
            self.buf += got
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def frame(self):
        a, b = self.need(2)
        n = b & 127
        if n == 126:
            n = struct.unpack(">H", self.need(2))[0]
        elif n == 127:
            n = struct.unpack(">Q", self.need(8))[0]
        return a & 15, self.need(n)

    def message(self):
        while True:
            op, data = self.frame()
            if op == 9:
                self.send(data, 10)
            elif op == 8:
                raise EOFError(struct.unpack(">H", data[:2])[0] if data else 1005, data[2:].decode())
            else:
                return json.loads(data) if op == 1 else data

    def call(self, method, **params):
        self.next += 1
        want = self.next
        self.send(json.dumps({"jsonrpc": "2.0", "id": want, "method": method, "params": params}))
        while want not in self.answers:
            m = self.message()
            if "method" in m:
                self.pushed.append(m)
            else:
                self.answers[m["id"]] = m
        return self.answers.pop(want)

    def push(self, method, timeout=10):
        self.s.settimeout(timeout)
        while True:
            for i, m in enumerate(self.pushed):
                if m["method"] == method:
                    return self.pushed.pop(i)["params"]
            self.pushed.append(self.message())

    def ended(self):
        """The code that it is closed with."""
        try:
            while True:
                self.message()
        except EOFError as e:
            return e.args[0] if e.args else 1006


def the_client(raw, head):
    """The web client: one document for every place in it, files that never change, nothing from elsewhere."""
    policy = head["content-security-policy"]
    assert "require-trusted-types-for 'script'" in policy and "unsafe" not in policy and "*" not in policy, policy
    same(head["cache-control"], "no-cache")
    for place in ("/invite", "/home", "/g/x/y", "/dm/x", "/settings/account"):
        same((place, ask("GET", place)[2]), (place, raw))
    files = re.findall(rb'(?:src|href)="(/[^"]*)"', raw)
    assert len(files) >= 5 and not re.search(rb'(src|href)="(?!/)', raw), files
    for path in files:
        path = path.decode()
        status, head, plain = ask("GET", path)
        same((path, status), (path, 200))
        for name in ("br", "gzip"):
            status, head, small = ask("GET", path, Accept_Encoding=name)
            same((path, status), (path, 200))
            if "content-encoding" in head:
                same((path, head["content-encoding"], head["vary"]), (path, name, "Accept-Encoding"))
                assert len(small) < len(plain)
                assert name == "br" or gzip.decompress(small) == plain
        if path.startswith("/a/"):
            assert "immutable" in head["cache-control"], head
    same(ask("GET", "/a/nothing.js")[0], 404)
    same(ask("GET", "/a/../index.html")[0] in (400, 404), True)


def pages():
    status, head, raw = ask("GET", "/")
    same(status, 200)
    assert b"<style" not in raw and b" style=" not in raw and b"onclick" not in raw
    if b'id="app"' in raw:
        the_client(raw, head)
    else:
        assert b"<h1>n</h1>" in raw and b"/api/docs" in raw and b"<script" not in raw
        assert b"kith join" in ask("GET", "/invite")[2]
    assert "default-src 'none'" in head["content-security-policy"], head
    same(head["x-content-type-options"], "nosniff")
    for path, kind in (("/kith.css", "text/css"), ("/api/docs", "text/html"), ("/api/docs.css", "text/css"),
                       ("/api/openapi.json", "application/json"), ("/healthz", "text/plain"), ("/readyz", "text/plain"),
                       ("/metrics", "text/plain")):
        status, head, raw = ask("GET", path)
        same((path, status), (path, 200))
        assert head["content-type"].startswith(kind), head
        status, head, nothing = ask("HEAD", path)
        same((path, status, nothing), (path, 200, b""))
    doc = json.loads(ask("GET", "/api/openapi.json")[2])
    assert doc["openapi"].startswith("3.1")
    same(ask("GET", "/nothing")[0], 404)
    status, head, _ = ask("POST", "/", "")
    same((status, head["allow"]), (405, "GET, HEAD"))
    status, head, _ = ask("GET", "/api/v1/node.info")
    same((status, head["allow"]), (405, "POST"))
    same(ask("GET", "/ws")[0], 426)


def bodies():
    same(post("node.info")[2]["name"], "n")
    same(ask("POST", "/api/v1/node.info")[0], 200)
    same(ask("POST", "/api/v1/node.info", "{}", Content_Type="text/plain")[0], 415)
    same(ask("POST", "/api/v1/node.info", "{", Content_Type="application/json")[0], 400)
    same(ask("POST", "/api/v1/node.info", "[]", Content_Type="application/json")[0], 400)
    same(ask("POST", "/api/v1/node.info", '{"x":1}', Content_Type="application/json")[0], 400)
    same(post("no.such")[0], 404)
    status, head, raw = ask("POST", "/api/v1/node.info", b"\x80", Content_Type="application/msgpack")
    same((status, head["content-type"]), (200, "application/msgpack"))
    assert raw[0] & 0xf0 == 0x80
    same(ask("POST", "/api/v1/node.info", b"\xc1", Content_Type="application/msgpack")[0], 400)
    status, _, raw = ask("POST", "/api/v1/account.me", b"\x80", Content_Type="application/msgpack")
    same(status, 401)
    assert raw.startswith(b"\x81\xa5error"), raw
    status, _, got = post("account.me")
    same((status, got["error"]["code"]), (401, "unauthorized"))
    same(post("account.me", Authorization="Bearer " + "a" * 52)[0], 401)


def plain_and_tls_on_one_port():
    same(ask("GET", "/healthz", tls=True)[0], 200)
    same(ask("GET", "/healthz")[0], 200)


def only_our_names():
    for host, status in (("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:5", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421)):
        got = ask("GET", "/healthz", Host=host)[0]
        assert got == status or (status != 200 and 400 <= got < 500), (host, got)


def cookies():
    status, head, got = post("account.register", {"name": "cara", "password": kit.PASSWORD}, X_Kith_Cookie="1")
    same(status, 200)
    cookie = head["set-cookie"]
    assert cookie.startswith("kith=") and "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Secure" not in cookie, cookie
    assert "token" not in got and len(got["csrf"]) == 52, got
    csrf, cookie = got["csrf"], cookie.split(";")[0]
    # reads go with the cookie alone, and say what writes need
    status, head, got = post("account.me", Cookie=cookie)
    same((status, head["x-kith-csrf"]), (200, csrf))
    for fields in ({}, {"X_Kith_CSRF": "1"}, {"X_Kith_CSRF": "a" * 52}):
        same(post("group.new", {"name": "g"}, Cookie=cookie, **fields)[0], 403)
    same(post("group.new", {"name": "g"}, Cookie=cookie, X_Kith_CSRF=csrf)[0], 200)
    # another site's page may nothing, whatever it has
    same(post("group.new", {"name": "g"}, Cookie=cookie, X_Kith_CSRF=csrf, Origin="https://evil.example")[0], 403)
    same(post("group.new", {"name": "g"}, Cookie=cookie, X_Kith_CSRF=csrf, Origin="null")[0], 403)
    same(post("account.me", Cookie=cookie, Origin=ORIGIN)[0], 200)
    # over TLS it is the other cookie
    status, head, _ = ask("POST", "/api/v1/account.login", {"name": "cara", "password": kit.PASSWORD}, tls=True, X_Kith_Cookie="1")
    assert head["set-cookie"].startswith("__Host-kith=") and "; Secure" in head["set-cookie"], head
    same(ask("POST", "/api/v1/account.me", {}, tls=True, Cookie=cookie)[0], 401)
    status, head, _ = post("account.logout", {}, Cookie=cookie, X_Kith_CSRF=csrf)
    same(status, 200)
    assert "Max-Age=0" in head["set-cookie"]
    same(post("account.me", Cookie=cookie)[0], 401)


def who_may_open_a_websocket():
    ada = node.person("ada")
    bearer = "Bearer " + ada.token
    same(WebSocket().status, 403)
    same(WebSocket(Origin=ORIGIN).status, 401)
    same(WebSocket(Authorization="Bearer " + "a" * 52).status, 401)
    same(WebSocket(Authorization=bearer).status, 101)
    same(WebSocket(Authorization=bearer, Origin="https://evil.example").status, 403)
    ticket = ada.call("session.ticket")["ticket"]
    same(WebSocket("/ws?ticket=" + ticket).status, 403)
    same(WebSocket("/ws?ticket=" + ticket, Origin="https://evil.example").status, 403)
    same(WebSocket("/ws?ticket=" + ticket, Origin=ORIGIN).status, 101)
    same(WebSocket("/ws?ticket=" + ticket, Origin=ORIGIN).status, 401)
    same(WebSocket(protocol="chat", Authorization=bearer).status, 400)
    w = WebSocket(protocol="chat, kith.msgpack, kith.json", Authorization=bearer)
    assert "sec-websocket-protocol: kith.msgpack" in w.head.lower(), w.head
    ticket = ada.call("session.ticket")["ticket"]
    same(WebSocket("/ws?ticket=" + ticket, tls=True, Origin="https://" + HOST).status, 101)


def requests_over_a_websocket():
    ada = node.person("ada")
    w = WebSocket(Authorization="Bearer " + ada.token)
    same(w.call("account.me")["result"]["handle"], ada.handle)
    made = w.call("group.new", name="g")["result"]
    same(w.call("message.send", group=made["id"], panel=made["panel"], text="x")["jsonrpc"], "2.0")
    same(w.call("no.such")["error"]["code"], -32601)
    e = w.call("message.send", group=made["id"])["error"]
    same((e["code"], e["data"]["name"]), (-32602, "invalid_params"))
    for text, code in (("{", -32700), ("[]", -32600), ('{"jsonrpc":"2.0","id":1}', -32600), ('{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}', -32700)):
        w.send(text)
        m = w.message()
        same((m["error"]["code"], m["id"]), (code, None))
    # a notification is done and not answered; a string is an id too
    w.send(json.dumps({"jsonrpc": "2.0", "method": "group.new", "params": {"name": "quiet"}}))
    w.send(json.dumps({"jsonrpc": "2.0", "id": "mine", "method": "account.me"}))
    while True:
        m = w.message()
        if m.get("id") == "mine":
            break
        assert "id" not in m, m
    kit.wait_for("the quiet group", lambda: any(g["name"] == "quiet" for g in ada.call("group.list")["groups"]))
    w.send(b"\x80", 2)
    same(w.ended(), 1003)
    m = WebSocket(protocol="kith.msgpack", Authorization="Bearer " + ada.token)
    m.send(b"\x83\xa2id\x07\xa7jsonrpc\xa32.0\xa6method\xaaaccount.me")
    assert m.message().startswith(b"\x83\xa2id\x07\xa7jsonrpc\xa32.0\xa6result\x8a"), "no answer in kind"


def what_is_said_is_pushed_to_those_who_may_see_it():
    ada, bob, eve = node.person("ada"), node.person("bob"), node.person("eve")
    made = ada.call("group.new", name="pushed")
    link = ada.call("invite.new", group=made["id"])["link"]
    wa, we = (WebSocket(Authorization="Bearer " + p.token) for p in (ada, eve))
    wb = WebSocket(protocol="kith.msgpack", Authorization="Bearer " + bob.token)
    bob.call("group.join", link=link)
    assert b"\xa6method\xa5group" in wb.message()
    sent = bob.call("message.send", group=made["id"], panel=made["panel"], text="hear, hear")
    got = wa.push("message")
    same((got["message"]["id"], got["message"]["text"], got["panel"]), (sent["id"], "hear, hear", made["panel"]))
    while b"hear, hear" not in wb.message():
        pass
    ada.call("member.kick", group=made["id"], user=bob.uid)
    ada.call("message.send", group=made["id"], panel=made["panel"], text="after the kick")
    same(wa.push("message")["message"]["text"], "after the kick")
    for w in (wb, we):
        w.s.settimeout(1)
        try:
            while True:
                assert "after the kick" not in str(w.message())
        except socket.timeout:
            pass


def the_end_of_a_session_closes_its_sockets():
    ada = node.person("ada")
    other = kit.Person(node).call("account.login", name=ada.handle, password=kit.PASSWORD)["token"]
    keep, gone = (WebSocket(Authorization="Bearer " + t) for t in (ada.token, other))
    for w in (keep, gone):
        w.call("account.me")
    begin = time.monotonic()
    ada.call("account.passwd", old=kit.PASSWORD, password="another good one")
    same(gone.ended(), 1008)
    assert time.monotonic() - begin < 2.5
    keep.call("account.me")
    ada.call("account.logout")
    same(keep.ended(), 1008)


def a_token_is_good_for_its_scopes_alone():
    ada, bob = node.person("ada"), node.person("bob")
    made = ada.call("group.new", name="scoped", join="open")
    bob.call("group.join", link=ada.call("invite.new", group=made["id"])["link"])
    place = {"group": made["id"], "panel": made["panel"]}

    def token(*scopes):
        p = kit.Person(node)
        p.token = ada.call("session.new", client="+".join(scopes), scopes=list(scopes))["token"]
        return p

    def lacks(p, what, method, **params):
        try:
            p.call(method, **params)
        except kit.Refused as e:
            same((e.status, e.code), (403, "scope_denied"))
            assert what in str(e), e
            return
        raise AssertionError(method + " was let through")

    reader, writer, chief = token("messages.read"), token("messages.write"), token("groups.manage", "members.manage")
    writer.call("message.send", text="by a program", **place)
    same(reader.call("message.list", **place)["messages"][-1]["text"], "by a program")
    lacks(writer, "messages.read", "message.list", **place)
    lacks(reader, "messages.write", "message.send", text="no", **place)
    lacks(reader, "members.read", "member.list", group=made["id"])
    lacks(chief, "panels.manage", "panel.new", group=made["id"], name="no")
    chief.call("group.set", group=made["id"], key="topic", value="set by a program")
    for method in ("session.list", "pref.list", "friend.list"):
        lacks(chief, "a session of one's own", method)
    lacks(chief, "a session of one's own", "session.new", client="more", scopes=["files"])
    same(ask("POST", "/api/v1/blob?kind=file", b"x", Authorization="Bearer " + reader.token)[0], 403)
    status, _, raw = ask("GET", "/blob/" + "a" * 52, Authorization="Bearer " + writer.token)
    same((status, json.loads(raw)["error"]["code"]), (403, "scope_denied"))
    same(ask("GET", "/blob/" + "a" * 52, Authorization="Bearer " + reader.token)[0], 404)
    for bad in (["messages.read", "everything"], ["account"], [""]):
        try:
            ada.call("session.new", client="x", scopes=bad)
            raise AssertionError(bad)
        except kit.Refused as e:
            same((e.status, e.code), (400, "invalid_params"))
    listed = {s["client"]: s["scopes"] for s in ada.call("session.list")["sessions"]}
    same(listed["groups.manage+members.manage"], ["groups.manage", "members.manage"])
    assert None in listed.values(), listed

    # what is pushed to it, and that it makes nobody present
    deaf, hears = (WebSocket(Authorization="Bearer " + p.token) for p in (writer, reader))
    deaf.call("account.me")
    hears.call("account.me")
    same([p for p in bob.call("presence.list", group=made["id"])["people"] if p["uid"] == ada.uid], [])
    bob.call("message.send", text="heard by one", **place)
    same(hears.push("message")["message"]["text"], "heard by one")
    ada.call("pref.set", key="theme", value="dark")
    bob.call("message.send", text="heard by one again", **place)
    same(hears.push("message")["message"]["text"], "heard by one again")
    assert not any(m.get("method") == "pref" for m in hears.pushed), hears.pushed
    deaf.s.settimeout(1)
    try:
        raise AssertionError(deaf.message())
    except socket.timeout:
        pass
    # ended, it is dead at once
    session = [s["id"] for s in ada.call("session.list")["sessions"] if s["client"] == "messages.read"][0]
    ada.call("session.revoke", id=session)
    same(hears.ended(), 1008)


def too_many_sessions_end_the_oldest():
    many = kit.Node(base, "many", conf="rate_invite = 200/1s burst 200\n").start()
    ada = many.person("ada")
    for i in range(99):
        ada.call("session.new", client="t%d" % i, scopes=["messages.read"])
    try:
        ada.call("session.new", client="one more", scopes=["messages.read"])
        raise AssertionError("101 sessions")
    except kit.Refused as e:
        same((e.status, e.code), (413, "limit"))
    again = kit.Person(many)
    again.token = again.call("account.login", name=ada.handle, password=kit.PASSWORD)["token"]
    listed = again.call("session.list")["sessions"]
    same((len(listed), [s["current"] for s in listed].count(True)), (100, True))
    many.stop()


def a_proxy_says_who_asks():
    """One before the node, and somebody who only says that they are one."""
    behind = kit.Node(base, "behind", conf="trusted_proxies = 127.0.0.1 10.0.0.0/8\nrate_register = 1/10m burst 1\n").start()
    at = "127.0.0.1:%d" % behind.client_port

    def through(method, path, body=None, **fields):
        return ask(method, path, body, at=at, **fields)

    same(through("GET", "/metrics")[0], 200)
    same(through("GET", "/metrics", X_Forwarded_For="203.0.113.9")[0], 403)
    same(through("GET", "/metrics", X_Forwarded_For="127.0.0.1, 203.0.113.9, 10.1.2.3")[0], 403)
    same(ask("GET", "/metrics", X_Forwarded_For="203.0.113.9")[0], 200)
    for bad in ("nobody", "203.0.113.9, ", "203.0.113.9;203.0.113.10", "[::1", "203.0.113.999"):
        same(through("GET", "/healthz", X_Forwarded_For=bad)[0], 400)
    same(through("GET", "/healthz", X_Forwarded_Proto="gopher")[0], 400)
    # rates are per address of who asks, not of the proxy
    for address, status in (("203.0.113.1", 200), ("203.0.113.1:99", 429), ("203.0.113.2", 200), ("[2001:db8::1]:5", 200), ("2001:db8::2", 429)):
        got = through("POST", "/api/v1/account.guest", {"name": "g"}, X_Forwarded_For=address, X_Forwarded_Proto="https")
        same((address, got[0]), (address, status))
    # https at the proxy is https; from afar without it is refused, as without a proxy
    head = through("POST", "/api/v1/account.guest", {"name": "s"}, X_Forwarded_For="198.51.100.7", X_Forwarded_Proto="https", X_Kith_Cookie="1",
                   Origin="https://" + at)[1]
    assert head["set-cookie"].startswith("__Host-kith=") and "; Secure" in head["set-cookie"], head
    same(through("POST", "/api/v1/account.me", {}, X_Forwarded_For="198.51.100.7")[0], 403)
    # many at once through one address
    held = [socket.create_connection(("127.0.0.1", behind.client_port)) for _ in range(60)]
    same(through("GET", "/healthz")[0], 200)
    for s in held:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert s.recv(12) == b"HTTP/1.1 200", "turned away"
        s.close()
    same(behind.stop(), 0)
    for bad in ("10.0.0.0/33", "example.org", "10.0.0.0/", "1.2.3"):
        try:
            kit.Node(base, "bad", conf="trusted_proxies = %s\n" % bad).start()
        except Exception:
            continue
        raise AssertionError(bad)


def rates_say_how_long_to_wait():
    slow = kit.Node(base, "slow", conf="rate_send = 1/1h burst 2\nrate_register = 1/10m burst 3\n").start()
    p = slow.person("p")
    made = p.call("group.new", name="g")
    for i in range(3):
        try:
            p.call("message.send", group=made["id"], panel=made["panel"], text="x")
            assert i < 2
        except kit.Refused as e:
            same((i, e.status, e.code), (2, 429, "rate_limit"))
            assert 3500 < e.retry <= 3600, e.retry
    for i in range(3):
        try:
            kit.Person(slow).guest("q")
            assert i < 2
        except kit.Refused as e:
            same((i, e.status), (2, 429))
    slow.stop()


def the_counters_moved():
    raw = ask("GET", "/metrics")[2].decode()
    counts = {l.split()[0]: int(l.split()[1]) for l in raw.splitlines() if not l.startswith("#")}
    for name in ("http_requests_total", "http_client_errors_total", "calls_read_total", "calls_write_total", "unauthorized_total",
                 "websockets_opened_total", "websocket_malformed_total", "pushes_total", "engine_batches_total"):
        assert counts["kith_" + name] > 0, name
    same(counts["kith_engine_batches_failed_total"], 0)


def it_ends_well():
    open_one = WebSocket(Authorization="Bearer " + node.person("last").token)
    open_one.call("account.me")
    same(node.stop(), 0)
    same(open_one.ended(), 1001)


for t in (pages, bodies, plain_and_tls_on_one_port, only_our_names, cookies, who_may_open_a_websocket, requests_over_a_websocket,
          what_is_said_is_pushed_to_those_who_may_see_it, the_end_of_a_session_closes_its_sockets,
          a_token_is_good_for_its_scopes_alone, too_many_sessions_end_the_oldest, a_proxy_says_who_asks, rates_say_how_long_to_wait,
          the_counters_moved, it_ends_well):
    tap.run(t.__name__.replace("_", " "), t)
tap.end()
