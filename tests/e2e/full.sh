#!/bin/sh
# A full disk: reading goes on, writing is refused in words, and it comes back by itself.

. "${KITH_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"

api() { curl -sS --max-time 20 -X POST -H 'Content-Type: application/json' ${4:+-H "Authorization: Bearer $4"} "$(url "$1")/api/v1/$2" -d "$3"; }
status() { curl -sS --max-time 20 -o /dev/null -w '%{http_code}' -X POST -H 'Content-Type: application/json' -H "Authorization: Bearer $4" "$(url "$1")/api/v1/$2" -d "$3"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
big=$(head -c 30000 /dev/zero | tr '\0' x)

# fill NODE TOKEN GROUP PANEL: until it says that it is full
fill()
{
	n=0
	while [ $n -lt 3000 ]; do
		r=$(api "$1" message.send "{\"group\":\"$3\",\"panel\":\"$4\",\"text\":\"$n $big\"}" "$2")
		case $r in
		*storage_full*) return 0 ;;
		*'"id"'*) n=$((n + 1)) ;;
		*) diag "$r"; return 1 ;;
		esac
	done
	return 1
}

printf 'disk_limit = 4M\nrate_send = off\nrate_register = off\n' >"$work/conf"
node one --config "$work/conf"
token=$(api one account.register '{"name":"ada","password":"correct horse"}' | field token)
made=$(api one group.new '{"name":"garden"}' "$token")
group=$(echo "$made" | field id)
panel=$(echo "$made" | field panel)
fill one "$token" "$group" "$panel" && pass "it fills, and says so" || fail "it fills, and says so"
[ "$n" -gt 5 ] && pass "after $n messages" || fail "after $n messages"
same "writing is answered 507" 507 "$(status one message.send "{\"group\":\"$group\",\"panel\":\"$panel\",\"text\":\"x\"}" "$token")"
same "reading goes on" 200 "$(status one message.list "{\"group\":\"$group\",\"panel\":\"$panel\"}" "$token")"
held=$(api one message.list "{\"group\":\"$group\",\"panel\":\"$panel\",\"limit\":1}" "$token" | field text | cut -d' ' -f1)
[ "$held" = $((n - 1)) ] && pass "what was acknowledged is there" || { fail "what was acknowledged is there"; diag "$held of $n"; }
like "sign-ins are refused in words" "$(api one account.login '{"name":"ada","password":"correct horse"}')" 'disk of this node is full'
same "/readyz says 503" 503 "$(curl -s -o /dev/null -w '%{http_code}' "$(url one)/readyz")"
same "/healthz says 200" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$(url one)/healthz")"
like "kithctl status says so" "$("$KITH_BUILDDIR/kithctl" --state "$work/one" status)" READ-ONLY
like "the log says so" "$(cat "$work/one.log")" 'the disk is full'
node two --peer "$(peer one)"
sleep 1
unlike "peers are kept off" "$("$KITH_BUILDDIR/kithctl" --state "$work/two" peers)" ' linked for'
node_stop one
printf 'disk_limit = 64M\nrate_send = off\n' >"$work/conf"
node one --config "$work/conf"
like "with more room it writes again" "$(api one message.send "{\"group\":\"$group\",\"panel\":\"$panel\",\"text\":\"after\"}" "$token")" '"id"'
node_stop one
node_stop two

# ---- a real one, if we may make it

mkdir "$work/disk"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=24m,mode=0755 tmpfs "$work/disk" 2>/dev/null; then
	trap 'for p in $pids; do kill -KILL "$p" 2>/dev/null; done; wait; umount "$work/disk"; finish' EXIT
	mkdir "$work/disk/real" && chown nobody "$work/disk/real" && ln -s disk/real "$work/real"
	printf 'rate_send = off\n' >"$work/conf"
	node real --config "$work/conf"
	token=$(api real account.register '{"name":"ada","password":"correct horse"}' | field token)
	made=$(api real group.new '{"name":"garden"}' "$token")
	group=$(echo "$made" | field id)
	panel=$(echo "$made" | field panel)
	dd if=/dev/zero of="$work/disk/filler" bs=64k 2>/dev/null
	refuses() { [ "$(status real message.send "{\"group\":\"$group\",\"panel\":\"$panel\",\"text\":\"x\"}" "$token")" = 507 ]; }
	within 10 refuses && pass "a disk that others filled is noticed" || fail "a disk that others filled is noticed"
	same "reading goes on" 200 "$(status real message.list "{\"group\":\"$group\",\"panel\":\"$panel\"}" "$token")"
	refused "another node cannot begin there, and says why" 1 '(full|room|space)' \
	    timeout 20 "$KITH_BUILDDIR/kithd" --state "$work/disk/late" --listen-client 127.0.0.1:0 --listen-peer none --user nobody
	rm "$work/disk/filler"
	writes() { [ "$(status real message.send "{\"group\":\"$group\",\"panel\":\"$panel\",\"text\":\"again\"}" "$token")" = 200 ]; }
	within 20 writes && pass "with space again it goes on by itself" || fail "with space again it goes on by itself"
	like "and says so" "$(cat "$work/real.log")" 'there is space again'
	node_stop real
else
	skip "a disk that others filled is noticed" "no file system may be mounted here"
fi
plan
