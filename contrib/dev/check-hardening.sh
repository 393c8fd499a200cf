#!/bin/sh
# Read from the programs themselves that the hardening flags took effect.
# A TAP test of make check in plain builds; by hand: contrib/dev/check-hardening.sh [PROGRAM...].

set -u
[ $# -gt 0 ] || set -- kithd kithctl kith $(ls kith-media kith-egress 2>/dev/null)

small=65536			# a program with less code may simply have nothing to protect
n=0
failed=0

result()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

has() { printf '%s\n' "$1" | grep -Eq -- "$2"; }

echo "1..$(($# * 8))"
for p; do
	[ -x "$p" ] || { echo "Bail out! no program $p here"; exit 1; }
	header=$(readelf -hW "$p")
	segments=$(readelf -lW "$p")
	dynamic=$(readelf -dW "$p")
	symbols=$(readelf --dyn-syms -W "$p")
	code=$(size -A "$p" | awk '$1 == ".text" { print $2 }')

	has "$header" 'Type:[[:space:]]+DYN' && has "$dynamic" 'PIE'
	result $? "$p is position independent"
	has "$segments" 'GNU_RELRO'
	result $? "$p has its relocations read-only"
	has "$dynamic" 'BIND_NOW|FLAGS_1.*NOW'
	result $? "$p binds at start"
	has "$segments" 'GNU_STACK.* RW +0x'
	result $? "$p has no executable stack"
	! has "$dynamic" 'RPATH|RUNPATH|TEXTREL'
	result $? "$p names no search path and patches no code"
	# the note that says so is not there unless the startup files of the C library have it too
	case $header in
	*X86-64*) marked=$(objdump -d --no-show-raw-insn "$p" | grep -c endbr64); [ "$marked" -ge $((code / 2000)) ] ;;
	*) has "$symbols" . ;;
	esac
	result $? "$p marks where it may be jumped to"
	for what in 'stack protector:__stack_chk_fail' 'fortified calls:__[a-z]+_chk'; do
		if ! has "$symbols" "${what#*:}(@|\$| )" && [ "$code" -lt "$small" ]; then
			n=$((n + 1))
			echo "ok $n - $p has ${what%%:*} # SKIP too small to tell"
		else
			has "$symbols" "${what#*:}(@|\$| )"
			result $? "$p has ${what%%:*}"
		fi
	done
done
exit $failed
