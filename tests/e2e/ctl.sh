#!/bin/sh
# kithctl: what each command prints, with kithd and without.

. "${KITH_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"

ctl() { timeout 60 "$KITH_BUILDDIR/kithctl" --state "$work/one" "$@"; }
bare() { timeout 60 "$KITH_BUILDDIR/kithctl" "$@"; }
api() { curl -sS --max-time 20 -X POST -H 'Content-Type: application/json' ${3:+-H "Authorization: Bearer $3"} "$(url one)/api/v1/$1" -d "$2"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

like "--help lists the commands" "$(bare --help)" '^  status'
refused "nothing asked" 2 '^usage: kithctl' bare
refused "an unknown command" 2 'no command "statsu"' ctl statsu
refused "no such directory" 1 'no state directory' ctl status

printf 'rate_register = off\n' >"$work/conf"
node one --config "$work/conf"

like "status names the node" "$(ctl status)" "^one \(node $(node_id one)\)"
like "status says where clients go" "$(ctl status)" "clients   $(url one)"
like "status --json" "$(ctl status --json | head -n 1)" "\"node\":\"$(node_id one)\""
same "status --json has two lines" 2 "$(ctl status --json | wc -l)"
refused "status takes nothing" 2 'usage' ctl status now
same "node-id" "$(node_id one)" "$(ctl node-id)"
same "no peers yet" "" "$(ctl peers 2>/dev/null)"
same "no groups yet" "" "$(ctl groups 2>/dev/null)"

token=$(api account.register '{"name":"ada","password":"correct horse"}' | field token)
api group.new '{"name":"garden"}' "$token" >/dev/null
like "groups" "$(ctl groups)" '^[a-z2-7]{52}  1 members on 1 nodes, [0-9]+ acts  garden$'
like "groups --json" "$(ctl groups --json)" '"name":"garden".*"state":"[a-z2-7]{52}"'
like "verify" "$(ctl verify)" '^[a-z2-7]{52}  ok  garden$'

# ---- people

like "account list" "$(ctl account list)" '^[a-z2-7]{52}  [0-9-]{10}  ada#[0-9]{4,5}$'
echo "correct horse" | ctl account add bob >"$work/bob" 2>"$work/bob.err"
like "account add prints the handle" "$(cat "$work/bob")" '^bob#[0-9]{4,5}$'
like "and the recovery key apart" "$(cat "$work/bob.err")" '[a-z2-7]{52}'
bob=$(api account.login '{"name":"bob","password":"correct horse"}' | field token)
like "who was added can sign in" "$(api account.me '{}' "$bob")" '"handle":"bob#'
like "a short password" "$(echo short | ctl account add eve 2>&1)" '8 to 128 characters'
refused "no password" 1 'no password' ctl account add eve
same "account disable" "$(cat "$work/bob")" "$(ctl account disable bob)"
like "sessions have ended" "$(api account.me '{}' "$bob")" unauthorized
like "nobody signs in" "$(api account.login '{"name":"bob","password":"correct horse"}')" wrong_password
like "it shows in the list" "$(ctl account list)" 'bob#[0-9]+  disabled'
same "account enable" "$(cat "$work/bob")" "$(ctl account enable "$(cat "$work/bob")")"
like "who is enabled can sign in" "$(api account.login '{"name":"bob","password":"correct horse"}')" '"token"'
refused "nobody of that name" 1 'no account here' ctl account disable nobody
code=$(ctl invite)
like "invite prints a code" "$code" '^[a-z2-7]{24}$'
refused "invite for nobody" 2 'usage' ctl invite 0
like "invite --json" "$(ctl invite 3 --json)" '"uses":3'

# ---- configuration

printf 'rate_register = off\nregistration = invite\n' >"$work/conf"
check "reload" ctl reload
like "without a code nobody registers" "$(api account.register '{"name":"eve","password":"correct horse"}')" 'denied|invite'
like "with it one does" "$(api account.register "{\"name\":\"eve\",\"password\":\"correct horse\",\"invite\":\"$code\"}")" '"token"'
like "once" "$(api account.register "{\"name\":\"eve\",\"password\":\"correct horse\",\"invite\":\"$code\"}")" '"error"'
printf 'registration = never\n' >"$work/conf"
refused "reload of a bad file" 1 'registration wants' ctl reload
printf 'rate_register = off\n' >"$work/conf"
check "reload" ctl reload

# ---- who is not welcome

node other.example --peer "$(peer one)"
linked() { ctl peers --json | grep -q "\"name\":\"other.example\".*\"linked\":$1"; }
within 10 linked true && pass "another node is linked" || fail "another node is linked"
said() { grep -q "other.example at .* is refused" "$work/one.log"; }
for who in "$(node_id other.example)" Other.Example .example; do
	printf 'rate_register = off\nrefuse_nodes = %s\n' "$who" >"$work/conf"
	check "reload" ctl reload
	within 10 linked false && pass "refused by $who, it is not linked" || fail "refused by $who, it is not linked"
	within 20 said && pass "and the log says so" || fail "and the log says so"
	: >"$work/one.log"
	printf 'rate_register = off\nrefuse_nodes = example .other.example ther.example\n' >"$work/conf"
	check "reload" ctl reload
	within 60 linked true && pass "and it comes back" || fail "and it comes back"
done
node_stop other.example
printf 'rate_register = off\n' >"$work/conf"
check "reload" ctl reload

# ---- keys

before=$(cksum <"$work/one/sign.key")
check "keys rotate" ctl keys rotate
[ "$before" != "$(cksum <"$work/one/sign.key")" ] && pass "the key is another" || fail "the key is another"
rotated() { [ "$(ctl node-id)" = "$(node_id one)" ]; }
within 5 rotated && pass "the node is the same" || fail "the node is the same"
root=$(cksum <"$work/one/next-root.key")
check "keys rotate --root" ctl keys rotate --root
same "the next root took over" "$root" "$(cksum <"$work/one/root.key")"
like "and it still works" "$(api group.list '{}' "$token")" garden

# ---- copies

same "backup prints where" "$work/backup" "$(ctl backup "$work/backup")"
same "with the keys" 5 "$(find "$work/backup" -name '*.key' | wc -l)"
refused "not twice in one place" 1 'already' ctl backup "$work/backup"
api group.new '{"name":"later"}' "$token" >/dev/null
same "relative to here" "$work/backup2" "$(cd "$work" && "$KITH_BUILDDIR/kithctl" --state one backup backup2)"
check "stop" ctl stop
node_gone one && pass "and it is gone" || fail "and it is gone"
refused "then nobody answers" 1 'start it with kithd --state' ctl status
same "node-id works all the same" "$(node_id one)" "$(ctl node-id)"
check "keys rotate works all the same" ctl keys rotate
same "backup works all the same" "$work/backup3" "$(ctl backup "$work/backup3")"
refused "restore into what is not empty" 1 'not empty' ctl restore "$work/backup"
refused "restore of nothing" 1 'no backup' bare --state "$work/new" restore "$work/none"
same "restore prints where" "$work/two" "$(bare --state "$work/two" restore "$work/backup")"
[ "$(id -u)" != 0 ] || chown -R nobody: "$work/two"
node two
same "it is the same node" "$(node_id one)" "$(node_id two)"
groups=$("$KITH_BUILDDIR/kithctl" --state "$work/two" groups)
like "with what there was" "$groups" garden
unlike "and nothing of later" "$groups" later
incarnation() { "$KITH_BUILDDIR/kithctl" --state "$1" status --json | sed -n 's/.*"incarnation":"\([0-9a-f]*\)".*/\1/p'; }
second=$(incarnation "$work/two")
node_stop two
node one --config "$work/conf"
first=$(incarnation "$work/one")
[ -n "$first" ] && [ "$first" != "$second" ] && pass "it writes on in feeds of its own" || fail "it writes on in feeds of its own"
node_stop one

# ---- damage

size=$(stat -c %s "$work/backup3/data.mdb")
head -c $((size / 2)) "$work/backup3/data.mdb" >"$work/cut" && mkdir "$work/short" && cp "$work/backup3"/*.key "$work/short" && mv "$work/cut" "$work/short/data.mdb"
refused "a backup that is cut" 1 'nothing has been restored' bare --state "$work/three" restore "$work/short"
plan
