#!/bin/sh
# kithd from the outside: how it starts, what it refuses in words, how it ends and comes back.

. "${KITH_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"

kithd=${KITHD:-$KITH_BUILDDIR/kithd}
free="--listen-client 127.0.0.1:0 --listen-peer 127.0.0.1:0"
user=
[ "$(id -u)" != 0 ] || user="--user nobody"
d() { timeout 20 "$kithd" "$@"; }
api() { curl -sS --max-time 20 -X POST -H 'Content-Type: application/json' "$(url "$1")/api/v1/$2" -d "$3"; }

# ---- without starting

like "--help says how to start" "$(d --help)" '^usage: kithd --state DIR'
like "--version" "$(d --version)" '^kithd [0-9]+\.[0-9]+'
refused "no state directory" 2 '--state DIR' d
refused "an unknown option" 2 'no option --sate' d --sate x
refused "an option without a value" 2 'needs a value' d --state
refused "an address in words" 2 'listen-client wants ADDR:PORT' d --state "$work/x" --listen-client localhost:7370
refused "an option twice" 2 'given twice' d --state "$work/x" --name a --name b
like "-t prints what holds" "$(d -t --listen-client 0.0.0.0:0)" '^registration = invite$'
like "-t on loopback" "$(d -t)" '^listen_peer = 127.0.0.1:7371$'
printf 'name = Ada\nlisten_clinet = 127.0.0.1:1\n' >"$work/bad.conf"
refused "a mistake in the file has its line" 1 'bad.conf, line 2: there is no option "listen_clinet"' d -t --config "$work/bad.conf"
refused "kithd does not start with it either" 1 'line 2' d --state "$work/x" --config "$work/bad.conf"
refused "a file that is not there" 1 'none.conf: cannot be read' d -t --config "$work/none.conf"
printf 'tls_cert = /nonexistent.pem\ntls_key = /nonexistent.key\n' >"$work/tls.conf"
refused "a certificate that is not there" 1 'nonexistent' d -t --config "$work/tls.conf"
[ ! -e "$work/x" ] && pass "nothing was left behind" || fail "nothing was left behind"

# ---- one node

node one
line=$(cat "$work/one.ready")
same "one line on standard output" 1 "$(wc -l <"$work/one.ready")"
like "the ready line" "$line" '^ready client=http://127\.0\.0\.1:[0-9]+ peer=127\.0\.0\.1:[0-9]+ node=[a-z2-7]{52}$'
like "it answers" "$(api one node.info '{}')" '"name":"one"'
same "its directory is closed" 700 "$(stat -c %a "$work/one")"
same "its keys are closed" "600 600 600 600 600" "$(stat -c %a "$work"/one/*.key | xargs)"
same "its socket is closed" 600 "$(stat -c %a "$work/one/control")"

refused "a second kithd on one state directory" 1 'another kithd \(process [0-9]+\) runs on' d --state "$work/one" $free $user
refused "a port in use" 1 'something else listens there already' \
    d --state "$work/two" --listen-client "$(url one | sed 's|.*//||')" --listen-peer none $user
refused "a peers' port in use" 1 'listen-peer .*something else listens there already' \
    d --state "$work/two" --listen-client 127.0.0.1:0 --listen-peer "$(peer one)" $user
refused "an address that is not ours" 1 'listen-client 192.0.2.1:1' d --state "$work/two" --listen-client 192.0.2.1:1 $user
touch "$work/file"
refused "a state directory that is a file" 1 'state directory' d --state "$work/file" $free $user
if [ "$(id -u)" = 0 ]; then
	refused "root without a user to become" 1 'useradd' d --state "$work/two" $free --user no-such-user
	refused "root for good" 1 'does not run as root' d --state "$work/two" $free --user root
	mkdir "$work/roots" && touch "$work/roots/something"
	refused "a directory of root's" 1 'belongs to user root' d --state "$work/roots" $free $user
	like "it became the user" "$(ps -o user= -p "$(node_pid one)")" nobody
else
	skip "root without a user to become" "not root"
fi

# ---- ends and returns

like "an account" "$(api one account.register '{"name":"ada","password":"correct horse"}')" '"handle":"ada#'
id=$(node_id one)
node_signal one TERM
wait "$(node_pid one)"
same "SIGTERM ends it well" 0 $?
node one
same "the same node afterwards" "$id" "$(node_id one)"
like "the account is there" "$(api one account.login '{"name":"ada","password":"correct horse"}')" '"token":'
node_kill one
node one
same "the same node after SIGKILL" "$id" "$(node_id one)"
like "the account is there" "$(api one account.login '{"name":"ada","password":"correct horse"}')" '"token":'
node_signal one INT
wait "$(node_pid one)"
same "SIGINT ends it well" 0 $?

# ---- keys

chmod 644 "$work/one/sign.key"
refused "a key that others may read" 1 'sign.key' d --state "$work/one" $free $user
chmod 600 "$work/one/sign.key"
mv "$work/one/seal.key" "$work/away"
refused "a key that is missing beside a store" 1 'seal.key is missing' d --state "$work/one" $free $user
[ ! -e "$work/one/seal.key" ] && pass "and is not made up" || fail "and is not made up"
mv "$work/away" "$work/one/seal.key"
cp -p "$work/one/sign.key" "$work/away"
head -c 31 "$work/away" >"$work/one/sign.key"
refused "a key that is cut" 1 'sign.key' d --state "$work/one" $free $user
cp -p "$work/away" "$work/one/sign.key"
rm -f "$work/one/sign.key"
ln -s "$work/away" "$work/one/sign.key"
refused "a key that is a link" 1 'sign.key' d --state "$work/one" $free $user
rm "$work/one/sign.key"
cp -p "$work/away" "$work/one/sign.key"
node one
same "with its keys back it is itself" "$id" "$(node_id one)"
node_stop one

# ---- the store

cp "$work/one/store/data.mdb" "$work/data"
truncate -s 8192 "$work/one/store/data.mdb"
refused "a store that is cut" 1 '(short|damaged|data.mdb)' d --state "$work/one" $free $user
cp "$work/data" "$work/one/store/data.mdb"

# ---- reload

printf 'registration = open\n' >"$work/live.conf"
node one --config "$work/live.conf"
printf 'registration = closed\nname = Other\nmax_connections = 99\n' >"$work/live.conf"
node_signal one HUP
closed() { api one node.info '{}' | grep -q '"registration":"closed"'; }
within 10 closed && pass "SIGHUP reads the configuration again" || fail "SIGHUP reads the configuration again"
refused_register() { api one account.register '{"name":"eve","password":"correct horse"}' | grep -q 'registration is closed'; }
within 10 refused_register && pass "and the engine acts by it" || fail "and the engine acts by it"
like "what needs a restart is told" "$(cat "$work/one.log")" 'max_connections takes effect when kithd starts again'
like "the command line still holds" "$(api one node.info '{}')" '"name":"one"'
printf 'registration = maybe\nname = Bad\n' >"$work/live.conf"
node_signal one HUP
told() { grep -q 'nothing is changed: .*live.conf: registration wants' "$work/one.log"; }
within 10 told && pass "a bad file is told" || fail "a bad file is told"
like "and changes nothing" "$(api one node.info '{}')" '"registration":"closed"'
node_stop one

# ---- without a listener for peers

: >"$work/alone.log"
"$kithd" --state "$work/alone" --listen-client 127.0.0.1:0 --listen-peer none $user >"$work/alone.ready" 2>>"$work/alone.log" </dev/null &
echo $! >"$work/alone.pid"
pids="$! $pids"
within 30 grep -q '^ready ' "$work/alone.ready" || bail "a node without a listener for peers does not start"
like "peer=none" "$(cat "$work/alone.ready")" ' peer=none '
node_stop alone

# ---- the service manager is told

if command -v python3 >/dev/null; then
	python3 - "$work/notify" >"$work/notified" <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(30)
for _ in range(2):
    print(s.recv(100).decode(), flush=True)
END
	pids="$! $pids"
	within 5 test -S "$work/notify"
	chmod 666 "$work/notify"
	NOTIFY_SOCKET=$work/notify
	export NOTIFY_SOCKET
	node alone2
	node_stop alone2
	unset NOTIFY_SOCKET
	within 5 grep -q STOPPING "$work/notified"
	same "ready, and stopping" "READY=1 STOPPING=1" "$(xargs <"$work/notified")"
else
	skip "ready, and stopping" "no python3"
fi
plan
