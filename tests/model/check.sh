#!/bin/sh
# kithctl against the plain model: the cases with answers reasoned by hand, and random logs from fixed seeds.
# KITH_MODEL_SEEDS=1-5000 tries more of them.

model=$KITH_SRCDIR/tests/model
kithctl=$KITH_BUILDDIR/kithctl
python=$(command -v python3) || { echo "1..0 # SKIP no python3"; exit 0; }
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
n=0

# what is tested, and how
ok() {
	name=$1
	shift
	n=$((n + 1))
	if out=$("$@" 2>&1); then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
	fi
	printf '%s\n' "$out" | sed -n '1,60s/^/# /p'
}

cases() {
	for f in "$model"/cases/*.expect.json; do
		grep -q "\"command\": *\"$1\"" "$f" && basename "$f" .expect.json
	done
}

echo 1..6
ok "resolve answers the cases" "$python" "$model/check_cases.py" --kithctl "$kithctl" $(cases resolve)
ok "resolve and the model agree on small logs" "$python" "$model/compare.py" --kithctl "$kithctl" \
	resolve --seeds "${KITH_MODEL_SEEDS:-1-200}" --events 24 --shuffles 1 --no-shrink
ok "resolve and the model agree on larger ones" "$python" "$model/compare.py" --kithctl "$kithctl" \
	resolve --seeds 201-220 --shuffles 2 --no-shrink
ok "judge answers the cases" "$python" "$model/check_cases.py" --kithctl "$kithctl" $(cases judge)
ok "judge and the model agree on random worlds" "$python" "$model/compare.py" --kithctl "$kithctl" \
	judge --seeds "${KITH_MODEL_SEEDS:-1-150}" --shuffles 2 --no-shrink
ok "judge and the model agree on larger ones" "$python" "$model/compare.py" --kithctl "$kithctl" \
	judge --seeds 151-160 --events 90 --records 110 --shuffles 2 --no-shrink
