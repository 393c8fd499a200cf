# Real nodes and people for shell tests; `. "$KITH_SRCDIR/tests/e2e/lib.sh"`. Everything lies under
# $work, which goes when the test ends, with all that was started.
# shellcheck shell=sh

: "${KITH_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${KITH_BUILDDIR:=$PWD}"
: "${KITH_PASSWORD:=correct horse battery}"
export KITH_PASSWORD
unset KITH_URL KITH_HOME XDG_CONFIG_HOME NO_COLOR

work=$(mktemp -d "${TMPDIR:-/tmp}/kith-e2e.XXXXXX") || exit 1
chmod 755 "$work"
pids=

# Newest first, so that what was started on top goes before what it stands on.
finish()
{
	for pid in $pids; do
		kill -CONT "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

bail() { echo "Bail out! $*"; exit 1; }

# ---- TAP

count=0
failures=0
pass() { count=$((count + 1)); echo "ok $count - $*"; }
fail()
{
	count=$((count + 1))
	failures=$((failures + 1))
	echo "not ok $count - $*"
}
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }
plan()
{
	if [ -n "$(find "$work" -maxdepth 1 -name 'sanitizer.*' | head -n 1)" ]; then
		fail "the sanitizers have something to say"
		sed 's/^/# /' "$work"/sanitizer.* | head -n 60
	fi
	echo "1..$count"
	[ "$failures" -eq 0 ]
	exit
}

# check NAME COMMAND...: it must succeed.
check()
{
	check_name=$1
	shift
	if "$@" >"$work/check.out" 2>"$work/check.err"; then
		pass "$check_name"
	else
		fail "$check_name (status $?)"
		diag "$*"
		sed 's/^/# /' "$work/check.out" "$work/check.err" | tail -n 20
		return 1
	fi
}
# same NAME WANTED GOT
same()
{
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1"
		diag "wanted: $2"
		diag "got:    $3"
		return 1
	fi
}
# like NAME TEXT PATTERN: an extended regular expression that some line matches.
like()
{
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		pass "$1"
	else
		fail "$1"
		diag "wanted a line like: $3"
		diag "got: $2"
		return 1
	fi
}
unlike()
{
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		fail "$1"
		diag "wanted no line like: $3"
		diag "got: $2"
		return 1
	else
		pass "$1"
	fi
}
# refused NAME STATUS PATTERN COMMAND...: it fails so, says nothing on standard output, and this on the other.
refused()
{
	refused_name=$1 refused_status=$2 refused_pattern=$3
	shift 3
	"$@" >"$work/refused.out" 2>"$work/refused.err" </dev/null
	refused_got=$?
	if [ $refused_got = "$refused_status" ] && [ ! -s "$work/refused.out" ] && grep -Eq -e "$refused_pattern" "$work/refused.err"; then
		pass "$refused_name"
	else
		fail "$refused_name"
		diag "$*: status $refused_got, wanted $refused_status and /$refused_pattern/"
		sed 's/^/# out: /' "$work/refused.out"
		sed 's/^/# err: /' "$work/refused.err"
		return 1
	fi
}

# ---- time

now_ms() { echo $(($(date +%s%N) / 1000000)); }
# within SECONDS COMMAND...: try it until it succeeds; $took_ms is how long that was.
within()
{
	within_limit=$(($1 * 1000))
	within_begin=$(now_ms)
	shift
	while :; do
		if "$@" >/dev/null 2>&1; then
			took_ms=$(($(now_ms) - within_begin))
			return 0
		fi
		took_ms=$(($(now_ms) - within_begin))
		[ $took_ms -lt $within_limit ] || return 1
		sleep 0.05
	done
}

# ---- nodes: node NAME [ARGUMENT...] starts one; again after node_kill or node_stop it goes on with
# its state and its ports. url NAME, peer NAME, node_id NAME say where and what it is. Limits of rate
# are off, unless `rates` is empty.

rates="--rate-send off --rate-login off --rate-login-address off --rate-register off --rate-join off
    --rate-group off --rate-invite off --rate-authority off --rate-read off"

node_field() { sed -n "s/.*$2=\([^ ]*\).*/\1/p" "$work/$1.ready" | tail -n 1; }
url() { u=$(node_field "$1" client); echo "${u%/}"; }
peer() { node_field "$1" peer; }
node_id() { node_field "$1" node; }
node_pid() { cat "$work/$1.pid"; }

node()
{
	node_name=$1
	shift
	if [ -s "$work/$node_name.ready" ]; then
		set -- "$@" --listen-client "$(url "$node_name" | sed 's|.*://||')" --listen-peer "$(peer "$node_name")"
	else
		set -- "$@" --listen-client 127.0.0.1:0 --listen-peer 127.0.0.1:0
	fi
	[ "$(id -u)" != 0 ] || set -- "$@" --user nobody
	mv -f "$work/$node_name.ready" "$work/$node_name.before" 2>/dev/null
	: >"$work/$node_name.ready"
	# shellcheck disable=SC2086
	"${KITHD:-$KITH_BUILDDIR/kithd}" --state "$work/$node_name" --name "$node_name" $rates "$@" \
	    >"$work/$node_name.ready" 2>>"$work/$node_name.log" </dev/null &
	echo $! >"$work/$node_name.pid"
	pids="$! $pids"
	within "${KITH_START_TIMEOUT:-30}" grep -q '^ready ' "$work/$node_name.ready" || {
		tail -n 20 "$work/$node_name.log" | sed 's/^/# /'
		bail "node $node_name does not start"
	}
}

node_signal() { kill "-$2" "$(node_pid "$1")"; }
node_gone() { ! kill -0 "$(node_pid "$1")" 2>/dev/null; }
node_kill()
{
	node_signal "$1" KILL
	wait "$(node_pid "$1")" 2>/dev/null
}
node_stop()
{
	node_signal "$1" TERM
	wait "$(node_pid "$1")" 2>/dev/null
}

# ---- people: each has a folder of sessions. person NAME NODE registers; by NAME COMMAND... is kith.

kith_bin() { echo "${KITH:-$KITH_BUILDDIR/kith}"; }
by()
{
	by_name=$1
	shift
	KITH_HOME="$work/home-$by_name" ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$work/sanitizer" \
	    UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:log_path=$work/sanitizer" "$(kith_bin)" "$@"
}
# The same for `by_exec ... &`: then $! is kith itself, and not a shell that waits for it.
by_exec()
{
	KITH_HOME="$work/home-$1"
	ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$work/sanitizer"
	UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:log_path=$work/sanitizer"
	export KITH_HOME ASAN_OPTIONS UBSAN_OPTIONS
	shift
	exec "$(kith_bin)" "$@"
}
person()
{
	by "$1" --url "$(url "$2")" register "$1" >"$work/person-$1" 2>"$work/person-$1.err" || {
		sed 's/^/# /' "$work/person-$1.err"
		bail "$1 cannot register at $2"
	}
}
# What a panel looks like, the same on every node that holds the same: history WHO PLACE. What is
# hidden is left out: moderators alone are shown it.
history() { by "$1" read "$2" --last 100000 --json >"$work/history" && grep -v '"state":"hidden"' "$work/history"; }
# What is decided, likewise: state_of WHO GROUP
state_of()
{
	by "$1" members "$2" --json && by "$1" roles "$2" --json && by "$1" panels "$2" --json
}
# agree GROUP WHO...: they print the same history and the same state.
agree()
{
	agree_group=$1 agree_one=$2
	history "$agree_one" "$agree_group" >"$work/one.history" && state_of "$agree_one" "$agree_group" >"$work/one.state" || return
	shift 2
	for agree_with in "$@"; do
		history "$agree_with" "$agree_group" >"$work/other.history" &&
			state_of "$agree_with" "$agree_group" >"$work/other.state" || return
		cmp -s "$work/one.history" "$work/other.history" && cmp -s "$work/one.state" "$work/other.state" || return
	done
}
# Where they did not.
disagreement()
{
	echo "$agree_one (<) and $agree_with (>):"
	for what in history state; do diff "$work/one.$what" "$work/other.$what"; done | cut -c1-500 | head -n 20
}
