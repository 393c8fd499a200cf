#!/bin/sh
# Stories of whole nodes, the same story twice, and stories that once went wrong. A TAP test of make check.

set -u
sim=./tests/sim/kith-sim
# with hostile nodes: what nobody can ask for (739), bodies over a restart (447), asking again (755, 934), made-up feeds (424), many heads (623)
once="424 447 623 739 755 934"
n=0

say()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "$out" | tail -n 5 | sed 's/^/# /'
		echo "not ok $n - $2"
	fi
}

stories=${KITH_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/sim/stories
echo 1..$((2 + $(echo "$once" | wc -w) + $(ls "$stories"/*.story | wc -l)))
out=$($sim --seed 7) && again=$($sim --seed 7) && [ "$again" = "$out" ]
say $? "one seed, one story, byte for byte"
out=$($sim --honest --seeds 1-200 --jobs 2)
say $? "stories hold"
for s in $once; do
	out=$($sim --seed "$s")
	say $? "story $s holds, which once did not"
done
for s in "$stories"/*.story; do
	out=$($sim --play "$s")
	say $? "$(basename "$s" .story)"
done
