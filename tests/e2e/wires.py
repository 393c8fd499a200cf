"""Networks between real nodes that can be cut, all ways or one. With namespaces where they may be made (each
node in its own, this program the router between them), else on loopback, each node behind a relay."""
import atexit
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def enter():
    """Begins the program anew in a network and a mount table of its own, if it may; call it first."""
    if "KITH_TEST_NET" in os.environ:
        return
    os.environ["KITH_TEST_NET"] = ""
    if os.geteuid() == 0 and shutil.which("ip") and subprocess.call(["unshare", "-n", "-m", "true"], stderr=subprocess.DEVNULL) == 0:
        os.environ["KITH_TEST_NET"] = "own"
        os.execvp("unshare", ["unshare", "-n", "-m", sys.executable] + sys.argv)


def _sh(*argv):
    subprocess.run(argv, check=True)


class Namespaces:
    one_way = True

    def __init__(self, n):
        self.pids, self.shut = [], set()
        _sh("ip", "link", "set", "lo", "up")
        with open("/proc/sys/net/ipv4/ip_forward", "w") as f:
            f.write("1")
        for i in range(n):
            p = subprocess.Popen(["unshare", "-n", "sleep", "3600"])
            self.pids.append(p)
            # it is in its own namespace as soon as it has become sleep
            while os.readlink("/proc/%d/exe" % p.pid).rsplit("/", 1)[1] == "unshare" or \
                    os.readlink("/proc/%d/ns/net" % p.pid) == os.readlink("/proc/self/ns/net"):
                time.sleep(0.01)
            inside = ["nsenter", "-t", str(p.pid), "-n"]
            _sh("ip", "link", "add", "k%d" % i, "type", "veth", "peer", "name", "e0", "netns", str(p.pid))
            _sh("ip", "addr", "add", "10.77.%d.1/24" % i, "dev", "k%d" % i)
            _sh("ip", "link", "set", "k%d" % i, "up")
            _sh(*inside, "ip", "addr", "add", self.host(i) + "/24", "dev", "e0")
            _sh(*inside, "ip", "link", "set", "lo", "up")
            _sh(*inside, "ip", "link", "set", "e0", "up")
            _sh(*inside, "ip", "route", "add", "default", "via", "10.77.%d.1" % i)

    def host(self, i):
        return "10.77.%d.2" % i

    def prefix(self, i):
        return ["nsenter", "-t", str(self.pids[i].pid), "-n"]

    def args(self, i):
        return []

    def peer(self, node, i):
        return node.peer

    def started(self, node, i):
        pass

    def way(self, a, b, is_open):
        """What a sends to b: arrives, or vanishes without a word."""
        if ((a, b) in self.shut) != is_open:
            return
        (self.shut.discard if is_open else self.shut.add)((a, b))
        _sh("ip", "rule", "del" if is_open else "add", "from", self.host(a), "to", self.host(b), "blackhole")

    def end(self):
        for p in self.pids:
            p.kill()
            p.wait()
        self.pids = []


class Relays:
    one_way = False             # what is cut is cut both ways

    def __init__(self, n):
        self.shut, self.ready, self.relays, self.ports = set(), [], [], []
        self.n = n
        for i in range(n):
            self.ready.append("/tmp/kith-wire-%d-%d" % (os.getpid(), i))
            open(self.ready[i], "w").close()
            p = subprocess.Popen([sys.executable, os.path.join(HERE, "relay.py"), self.ready[i]], stdout=subprocess.PIPE)
            self.relays.append(p)
            self.ports.append(int(p.stdout.readline()))

    def host(self, i):
        return "127.0.0.1"

    def prefix(self, i):
        return []

    def args(self, i):
        return ["--advertise", self.peer(None, i)]

    def peer(self, node, i):
        return "127.0.0.1:%d" % self.ports[i]

    def started(self, node, i):
        with open(self.ready[i], "w") as f:
            f.write("ready client=%s peer=%s node=%s\n" % (node.url, node.peer, node.node))

    def way(self, a, b, is_open):
        """A node is cut off whole as soon as one way of its own is."""
        (self.shut.discard if is_open else self.shut.add)((a, b))
        for i, p in enumerate(self.relays):
            p.send_signal(signal.SIGUSR1 if any(i in w for w in self.shut) else signal.SIGUSR2)

    def end(self):
        for p, f in zip(self.relays, self.ready):
            p.kill()
            p.wait()
            os.unlink(f)
        self.relays, self.ready = [], []


def make(n):
    net = Namespaces(n) if os.environ["KITH_TEST_NET"] == "own" else Relays(n)
    atexit.register(net.end)
    return net
