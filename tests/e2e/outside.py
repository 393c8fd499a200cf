#!/usr/bin/env python3
"""What goes out: codes by mail and the ways back into an account that they open; a look at pages before they are shown."""
import email
import http.server
import os
import re
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kit  # noqa: E402

tap = kit.Tap()
base = kit.scratch("outside")


class Post:
    """A mail server as far as we need one."""

    def __init__(self, refuse=()):
        self.mails, self.logins, self.refuse = [], [], set(refuse)
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(c,), daemon=True).start()

    def talk(self, c):
        f = c.makefile("rwb")

        def say(line):
            f.write(line.encode() + b"\r\n")
            f.flush()
        say("220 post")
        frm, to = None, []
        for line in f:
            line = line.decode().rstrip("\r\n")
            verb = line.split(" ")[0].upper().split(":")[0]
            if verb in self.refuse:
                say("550 no")
            elif verb == "EHLO":
                say("250-post")
                say("250-AUTH PLAIN")
                say("250 8BITMIME")
            elif verb == "AUTH":
                say("334 ")
                self.logins.append(f.readline().decode().strip())
                say("235 yes")
            elif verb == "MAIL":
                frm = line
                say("250 ok")
            elif verb == "RCPT":
                to.append(line)
                say("250 ok")
            elif verb == "DATA":
                say("354 go on")
                lines = []
                while True:
                    d = f.readline()
                    if d in (b".\r\n", b""):
                        break
                    lines.append(d[1:] if d.startswith(b"..") else d)
                self.mails.append((frm, to, email.message_from_bytes(b"".join(lines))))
                frm, to = None, []
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                break
            else:
                say("500 what")
        c.close()

    def code(self, n):
        """The code in the n'th mail."""
        kit.wait_for("mail %d" % n, lambda: len(self.mails) > n, 30)
        return re.search(r"\n +(\d{6})\r?\n", self.mails[n][2].get_payload(decode=True).decode()).group(1)


def same(a, b):
    assert a == b, "%r is not %r" % (a, b)


def refused(want, who, method, **params):
    try:
        who.call(method, **params)
    except kit.Refused as e:
        same(e.code, want)
        return e
    raise AssertionError("%s was not refused" % method)


post = Post()
secret = os.path.join(base, "password")
with open(secret, "w") as f:
    f.write("letter box\n")
CONF = kit.FAST + "rate_page = 1000/1s burst 1000\n"
MAIL = CONF + ("smtp = smtp://127.0.0.1:%d\nsmtp_user = kith\nsmtp_password_file = %s\nmail_from = kith@node.example\nprivate_pages = yes\n" %
               (post.port, secret))
node = kit.Node(base, "n", conf=MAIL).start()
plain = kit.Node(base, "plain", conf=CONF).start()
ann = node.person("ann")
nobody = kit.Person(node)


def an_address_is_confirmed_by_a_code():
    same(nobody.call("node.info")["mail"], True)
    refused("wrong_password", ann, "account.email", email="ann@home.example", password="something else")
    for bad in ("ann", "a b@c", "a@b\r\nRCPT TO:<x@y>", "<a@b>", "a@b,c@d", "@b", "a@", "-a@b"):
        refused("invalid_params", ann, "account.email", email=bad, password=kit.PASSWORD)
    ann.call("account.email", email="Ann@Home.example", password=kit.PASSWORD)
    code = post.code(0)
    frm, to, m = post.mails[0]
    same((frm, to), ("MAIL FROM:<kith@node.example>", ["RCPT TO:<Ann@Home.example>"]))
    same((m["From"], m["To"], m["Subject"]), ("n <kith@node.example>", "<Ann@Home.example>", "Confirm your e-mail address: n"))
    assert m["Date"] and m["Message-ID"].endswith("@node.example>"), m.items()
    import base64
    same(base64.b64decode(post.logins[0]), b"\0kith\0letter box")
    same(ann.call("account.me")["email"], "")
    refused("rate_limit", ann, "account.email", email="ann@home.example", password=kit.PASSWORD)
    refused("wrong_code", ann, "account.verify", code="%06d" % ((int(code) + 1) % 1000000))
    ann.call("account.verify", code=code)
    same(ann.call("account.me")["email"], "Ann@Home.example")
    refused("wrong_code", ann, "account.verify", code=code)      # good for once
    back = kit.Person(node)
    back.token = back.call("account.login", name="ann@HOME.example", password=kit.PASSWORD)["token"]
    same(back.call("account.me")["uid"], ann.uid)


def a_code_has_five_tries():
    bob = node.person("bob")
    bob.call("account.email", email="bob@home.example", password=kit.PASSWORD, lang="zh-CN")
    code = post.code(1)
    subject = str(email.header.make_header(email.header.decode_header(post.mails[1][2]["Subject"])))
    same(subject, "确认您的邮箱：n")
    for i in range(5):
        refused("wrong_code", bob, "account.verify", code="%06d" % ((int(code) + 1 + i) % 1000000))
    refused("wrong_code", bob, "account.verify", code=code)
    same(bob.call("account.me")["email"], "")


def with_the_clock_moved_on():
    """A node whose clock can be set: codes end, and come again."""
    clock = os.path.join(base, "clock")
    with open(clock, "wb") as f:
        f.write(bytes(8))
    os.chmod(clock, 0o644)

    def move(s):
        with open(clock, "r+b") as f:
            f.write(int(s * 1000).to_bytes(8, sys.byteorder, signed=True))
    env = ["env", "LD_PRELOAD=" + os.path.join(kit.BUILD, "tests/e2e/clock.so"), "KITH_TEST_CLOCK=" + clock,
           "ASAN_OPTIONS=" + os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"]
    box = Post()
    late = kit.Node(base, "late", conf=CONF + "smtp = smtp://127.0.0.1:%d\nmail_from = k@e\n" % box.port, prefix=env).start()
    eve, out = late.person("eve"), kit.Person(late)
    eve.call("account.email", email="eve@e", password=kit.PASSWORD)
    eve.call("account.verify", code=box.code(0))
    out.call("account.forgot", email="eve@e")
    move(61)
    out.call("account.forgot", email="who@e")
    out.call("account.forgot", email="eve@e")
    code = box.code(1)
    same(len(box.mails), 2)
    move(61 + 601)
    refused("wrong_code", out, "account.reset", email="eve@e", code=code, password="quite another one")
    out.call("account.forgot", email="EVE@e")
    code = box.code(2)
    refused("invalid_params", out, "account.reset", email="eve@e", code=code, password="short")
    refused("wrong_code", out, "account.reset", email="who@e", code=code, password="quite another one")
    refused("wrong_code", eve, "account.verify", code=code)     # it is for something else
    got = out.call("account.reset", email="eve@e", code=code, password="quite another one")
    same(got["uid"], eve.uid)
    refused("unauthorized", eve, "account.me")                  # all other sessions have ended
    refused("wrong_password", out, "account.login", name="eve", password=kit.PASSWORD)
    out.call("account.login", name="eve", password="quite another one")
    # an address belongs to who has shown last that they read its mail
    zoe = late.person("zoe")
    zoe.call("account.email", email="eve@e", password=kit.PASSWORD)
    zoe.call("account.verify", code=box.code(3))
    out.token = got["token"]
    same(out.call("account.me")["email"], "")
    same(late.stop(), 0)


def the_recovery_key_opens_an_account():
    who = kit.Person(node)
    r = who.call("account.register", name="kim", password=kit.PASSWORD)
    who.token = r["token"]
    key = r["recovery"]
    fresh = kit.Person(node)
    refused("wrong_key", fresh, "account.recover", name="kim", recovery="a" * 52, password="a new password")
    refused("wrong_key", fresh, "account.recover", name="kim", recovery="nonsense", password="a new password")
    refused("wrong_key", fresh, "account.recover", name="ann", recovery=key, password="a new password")
    refused("wrong_key", fresh, "account.recover", name="no such one", recovery=key, password="a new password")
    written = " ".join(key[i:i + 4] for i in range(0, len(key), 4)).upper()
    got = fresh.call("account.recover", name="kim", recovery=written, password="a new password")
    same(got["uid"], r["uid"])
    refused("unauthorized", who, "account.me")
    fresh.call("account.login", name="kim", password="a new password")


def a_node_without_mail_says_so():
    dan = plain.person("dan")
    same(dan.call("node.info")["mail"], False)
    refused("no_mail", dan, "account.email", email="d@e", password=kit.PASSWORD)
    refused("no_mail", kit.Person(plain), "account.forgot", email="d@e")


def mail_that_cannot_be_sent_is_logged():
    closed = Post(refuse=["RCPT"])
    bare = Post()
    for name, url, words in (("refusing", "smtp://127.0.0.1:%d" % closed.port, "550"), ("clear", "starttls://127.0.0.1:%d" % bare.port, "not sent")):
        n = kit.Node(base, name, conf=CONF + "smtp = %s\nmail_from = k@e\n" % url).start()
        n.person("gus").call("account.email", email="g@e", password=kit.PASSWORD)
        kit.wait_for("a word in the log", lambda: "a mail was not sent" in open(n.log).read(), 30)
        assert words in open(n.log).read(), open(n.log).read()[-500:]
        n.stop()
    same(bare.mails, [])            # nothing in the clear where TLS was asked for


class Pages(http.server.BaseHTTPRequestHandler):
    answers = {}
    asked = []

    def do_GET(self):
        Pages.asked.append((self.path, dict(self.headers)))
        status, fields = Pages.answers.get(self.path, (404, {}))
        self.send_response(status)
        for k, v in fields.items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(b"x" * 100000)

    def log_message(self, *a):
        pass


def pages_are_looked_at():
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    at = "http://127.0.0.1:%d" % web.server_port
    Pages.answers = {
        "/plain": (200, {}), "/deny": (200, {"X-Frame-Options": "DENY"}), "/none": (200, {"Content-Security-Policy": "frame-ancestors 'none'"}),
        "/us": (200, {"Content-Security-Policy": "default-src 'self'; frame-ancestors https://kith.example", "X-Frame-Options": "DENY"}),
        "/hop": (302, {"Location": "/deny"}), "/loop": (302, {"Location": "/loop"}), "/file": (302, {"Location": "file:///etc/passwd"}),
        "/gopher": (302, {"Location": "gopher://127.0.0.1/"}), "/500": (500, {}),
    }

    ann.conn = None         # it has been idle for long

    def look(url, who=ann):
        r = who.call("page.check", url=url, origin="https://kith.example")
        return r["outcome"]
    want = {"/plain": "ok", "/deny": "forbids", "/none": "forbids", "/us": "ok", "/hop": "forbids", "/loop": "unreachable", "/file": "bad",
            "/gopher": "bad", "/500": "ok", "/absent": "ok"}
    same({p: look(at + p) for p in want}, want)
    fields = Pages.asked[0][1]
    assert not {"Cookie", "Authorization", "Referer"} & set(fields), fields
    same(look("http://127.0.0.1:1/"), "unreachable")
    for bad in ("ftp://example.org/", "javascript:alert(1)", "http://user:pw@127.0.0.1/", "http://[/", "file:///etc/passwd"):
        same((bad, look(bad)), (bad, "bad"))
    # a node that says nothing of private pages looks at none, whatever they are called
    dan = plain.person("dora")
    same(look(at + "/plain", dan), "bad")                # another port than 80 and 443
    n = len(Pages.asked)
    for hidden in ("http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://2130706433/", "http://0x7f.1/", "http://10.0.0.1/",
                   "http://169.254.169.254/latest/meta-data/"):
        same((hidden, look(hidden, dan)), (hidden, "private"))
    same(len(Pages.asked), n)
    refused("unauthorized", nobody, "page.check", url=at, origin="https://kith.example")
    web.shutdown()


for name in ("an_address_is_confirmed_by_a_code", "a_code_has_five_tries", "with_the_clock_moved_on",
             "the_recovery_key_opens_an_account", "a_node_without_mail_says_so", "mail_that_cannot_be_sent_is_logged", "pages_are_looked_at"):
    tap.run(name.replace("_", " "), globals()[name])
tap.ok(node.stop() == 0 and plain.stop() == 0, "both stop when they are asked to")
tap.end()
