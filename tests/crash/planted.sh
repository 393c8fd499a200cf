#!/bin/sh
# Promises broken on purpose, each of which powerloss must find; else it proves nothing.

echo 1..4
n=0
status=0
for plant in no-sync no-meta-sync no-dir-sync early-ack; do
	n=$((n + 1))
	out=$("${KITH_BUILDDIR:-.}/tests/crash/powerloss" --plant $plant --rounds 20 --states 200 --find)
	case $out in
	*'not ok 1 - whenever'*) echo "ok $n - $plant is found: $(echo "$out" | sed -n 's/.*the first: \(state [0-9]*\).*/\1/p')" ;;
	*) echo "not ok $n - $plant is found"; echo "$out" | sed 's/^/# /'; status=1 ;;
	esac
done
exit $status
