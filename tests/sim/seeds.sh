#!/bin/sh
# Stories of whole nodes, as many as there is time for, and the same story twice. A TAP test of make check.

set -u
sim=./tests/sim/kith-sim
echo 1..2
if again=$($sim --seed 7) && [ "$again" = "$($sim --seed 7)" ]; then
	echo "ok 1 - one seed, one story, byte for byte"
else
	echo "# $again"
	echo "not ok 1 - one seed, one story, byte for byte"
fi
if out=$($sim --honest --seeds 1-300 --jobs 2 --seconds 100); then
	echo "# $out"
	echo "ok 2 - stories hold"
else
	echo "$out" | sed 's/^/# /'
	echo "not ok 2 - stories hold"
fi
