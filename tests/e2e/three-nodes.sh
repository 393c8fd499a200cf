#!/bin/sh
# Three nodes and one group across them. Any of them can hang, be cut off or be killed, its founder's
# included, and the others talk, invite and moderate; in the end all agree.

. "${KITH_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"

command -v python3 >/dev/null || { echo "1..0 # SKIP needs python3"; exit 0; }

kithctl() { "${KITHCTL:-$KITH_BUILDDIR/kithctl}" --state "$work/$1" "$2" ${3+"$3"}; }
is_id() { printf '%s\n' "$1" | grep -Eq '^[a-z2-7]{52}$'; }
linked() { kithctl "$1" peers --json | grep "\"node\":\"$(node_id "$2")\"" | grep -q '"linked":true'; }
no_links() { ! kithctl "$1" peers --json | grep -q '"linked":true'; }
reads() { by "$1" read garden --last 1000 | grep -q "$2"; }
in_group() { by "$1" members garden | grep -q "$2"; }
out_of_group() { ! in_group "$1" "$2"; }
decided() { kithctl "$1" groups --json | grep '"name":"garden"'; }

# all_agree SECONDS WHAT WHO...
all_agree()
{
	limit=$1 what=$2
	shift 2
	if within "$limit" agree garden "$@"; then
		pass "$what ($took_ms ms)"
	else
		fail "$what"
		disagreement | sed 's/^/# /'
	fi
}

# ---- a chain leads to everyone; each node is behind a wire that can be cut

for n in one two three; do
	: >"$work/$n.ready"
	python3 "$KITH_SRCDIR/tests/e2e/relay.py" "$work/$n.ready" >"$work/$n.wire" &
	pids="$! $pids"
	eval "wire_$n=$!"
	within 10 test -s "$work/$n.wire" || bail "no relay for $n"
done
wire() { echo "127.0.0.1:$(cat "$work/$1.wire")"; }
args_of()
{
	case $1 in
	one) echo "--advertise $(wire one)" ;;
	two) echo "--advertise $(wire two) --peer $(wire one)" ;;
	three) echo "--advertise $(wire three) --peer $(wire two)" ;;
	esac
}
# shellcheck disable=SC2046
up() { node "$1" $(args_of "$1"); }
up one
up two
up three
check "one and three, who never heard of each other, link" within 5 linked one three
diag "after $took_ms ms"
check "as three says too" within 5 linked three one

# ---- one group across them

person ada one
person bob two
person cy three
person dan three
G=$(by ada group new garden)
L=$(by ada invite garden)
same "bob comes in" "$G" "$(by bob join "$L")"
same "cy comes in" "$G" "$(by cy join "$L")"
same "dan comes in" "$G" "$(by dan join "$L")"
check "ada sees them" within 5 in_group ada '^.*dan#'
by ada role grant garden Admin bob >/dev/null
check "two are moderators besides the founder" is_id "$(by ada role grant garden Moderator cy)"
for who in ada bob cy dan; do by $who send garden "hello from $who" >/dev/null; done
all_agree 5 "all four read the same" ada bob cy dan
M=$(by bob send garden "bob was hree")
by bob edit "$M" "bob was here" >/dev/null
by cy react "$M" 👍 >/dev/null 2>&1 || { within 5 reads cy 'bob was here' && by cy react "$M" 👍 >/dev/null; }
by cy reply "$M" "so he was" >/dev/null
all_agree 5 "edits, reactions and replies too" ada bob cy dan
S=$(by ada panel new garden quiet --private)
by ada panel allow garden/quiet bob panel.view >/dev/null
by ada panel allow garden/quiet bob message.send >/dev/null
by ada send garden/quiet "between us" >/dev/null
heard_quietly() { by bob read garden/quiet | grep -q 'between us'; }
check "a private panel is for those who are let in" within 5 heard_quietly
refused "and for nobody else" 1 'there is no panel' by dan read garden/quiet
refused "not by its id either" 1 'there is no panel' by dan read "garden/$S"
by ada panel delete garden/quiet >/dev/null

# ---- a node that hangs

node_signal two STOP
begin=$(now_ms)
by ada send garden "two is silent" >/dev/null
check "the others go on while one hangs" within 5 reads cy 'two is silent'
diag "heard after $(($(now_ms) - begin)) ms"
node_signal two CONT
all_agree 5 "it wakes and agrees" ada bob cy dan

# ---- everyone cut off from everyone

for n in one two three; do eval "kill -USR1 \$wire_$n"; done
for n in one two three; do check "$n is alone" within 30 no_links $n; done
by ada send garden "ada, alone" >/dev/null
by bob send garden "bob, alone" >/dev/null
check "bob bans dan meanwhile" is_id "$(by bob ban garden dan --reason "rude words")"
check "who does not know it" is_id "$(by dan send garden "rude words")"
by dan send garden "more of them" >/dev/null
by cy mute garden ada >/dev/null 2>&1
diag "cy may not mute the founder, and bob takes the role: $(by bob role revoke garden Moderator cy | cut -c1-8)"
check "cy, still a moderator to himself, pins" is_id "$(by cy pin "$M")"
by cy send garden "cy, alone" >/dev/null
for n in one two three; do eval "kill -USR2 \$wire_$n"; done
for pair in "one two" "two three" "one three"; do
	# shellcheck disable=SC2086
	check "$pair are linked again" within 90 linked $pair
	diag "after $took_ms ms more"
done
all_agree 10 "they agree" ada bob cy
check "the ban holds at dan's own node" within 5 out_of_group cy 'dan#'
refused "dan is out" 1 'there is no group' by dan send garden "hm"
unlike "what he wrote behind it is gone everywhere" "$(for who in ada bob cy; do by $who read garden; done)" '(rude words|more of them)$'
like "though moderators may look" "$(by bob read garden)" 'rude words \[hidden\]$'
like "what he wrote before it stays" "$(by ada read garden --last 1000)" 'hello from dan'
like "what each wrote alone is there" "$(by bob read garden --last 1000)" 'cy, alone'

# ---- the founder's node is killed

by bob role grant garden Moderator cy >/dev/null
within 5 sh -c "KITH_HOME=$work/home-cy $(kith_bin) members garden | grep 'cy#' | grep -q Moderator"
node_kill one
by bob send garden "the founder's node is gone" >/dev/null
check "the others talk" within 5 reads cy "the founder's node is gone"
node four
person eve four
person fay four
L=$(by bob invite garden)
begin=$(now_ms)
same "bob invites somebody from a node that never met any of them" "$G" "$(by eve join "$L")"
diag "joined after $(($(now_ms) - begin)) ms"
check "she is seen at three" within 5 in_group cy 'eve#'
check "and reads what was said before" within 5 reads eve 'hello from ada'
check "she talks" is_id "$(by eve send garden "hello from the fourth node")"
check "she is heard" within 5 reads cy 'hello from the fourth node'
same "an invite by cy works as well" "$G" "$(by fay join "$(by cy invite garden --uses 1)")"
by fay send garden "buy my things" >/dev/null
check "is heard" within 5 reads cy 'buy my things'
check "cy bans" is_id "$(by cy ban garden fay --reason spam)"
check "which holds at four" within 5 out_of_group eve 'fay#'
refused "fay is out" 1 'there is no group' by fay send garden "buy more"
check "two people talk without the founder" is_id "$(by bob dm cy@three "between us")"
told() { by cy read bob | grep -q 'between us'; }
check "and are heard" within 5 told
all_agree 5 "those who are left agree" bob cy eve

up one
all_agree 5 "the founder's node returns and all agree" ada bob cy eve
check "it links to the new one" within 10 linked one four
check "the founder still owns the group" is_id "$(by ada group set garden topic "all is well")"
all_agree 5 "which all take over" ada bob cy eve

# ---- each node in turn, under way

for n in one two three four; do
	for how in TERM KILL; do
		i=0
		while [ $i -lt 20 ]; do
			i=$((i + 1))
			for who in ada bob cy eve; do echo "$how $n $i $who"; done
		done >"$work/lines"
		for who in ada bob cy eve; do
			grep "$who\$" "$work/lines" | by $who send garden - >"$work/sent.$who" 2>"$work/sent.$who.err" &
			eval "sender_$who=$!"
		done
		sleep 0.1
		if [ $how = TERM ]; then node_stop $n; else node_kill $n; fi
		if [ $n = four ]; then node four; else up $n; fi
		lost=0
		for who in ada bob cy eve; do
			eval "wait \$sender_$who" || {
				lost=$((lost + 1))
				sed "s/^/# $who: /" "$work/sent.$who.err"
			}
		done
		same "$n is ended by $how while all talk: every line is taken" 0 $lost
		all_agree 10 "and all agree" ada bob cy eve
		by ada read garden --last 200 --json | sed -n "s/.*\"text\":\"\($how $n [^\"]*\)\".*/\1/p" | sort >"$work/read"
		same "each line once" "" "$(sort "$work/lines" | diff - "$work/read" | head -n 5)"
	done
done

# ---- what the nodes themselves say

same "the nodes' state hashes are the same" 1 "$(for n in one two three four; do decided $n | sed 's/.*"state"://'; done | sort -u | wc -l)"
for n in one two three four; do
	check "verify: $n has judged as one who sees it all at once" kithctl $n verify
	node_stop $n
	same "$n ends when asked" 0 $?
done
unlike "nobody has found a fault" "$(cat "$work"/*.log)" '(error|warn) .*(state|fork|corrupt|differ)'

plan
