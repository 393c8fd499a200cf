#!/bin/sh
# The core touches nothing: whatever libkithcore.a asks of the outside must be in purity.allow.
# A TAP test of make check; by hand: contrib/dev/check-purity.sh [LIBRARY].

set -u

here=$(cd "$(dirname "$0")" && pwd)
lib=${1:-libkithcore.a}
allow=$here/purity.allow

echo 1..1
[ -r "$lib" ] || { echo "Bail out! no $lib here"; exit 1; }

# nm -A prints LIBRARY:OBJECT:ADDRESS KIND NAME, the address left blank where there is none.
bad=$("${NM:-nm}" -A "$lib" 2>/dev/null | awk -v allow="$allow" '
BEGIN {
	while ((getline line < allow) > 0) {
		sub(/[ \t]*#.*/, "", line)
		if (line == "")
			continue
		deny = sub(/^!/, "", line)
		gsub(/\./, "\\.", line)
		gsub(/\*/, ".*", line)
		pattern[++n] = "^" line "$"
		verdict[n] = !deny
	}
}
{
	name = $NF; kind = $(NF - 1)
	object = $1; sub(/^[^:]*:/, "", object); sub(/:.*/, "", object)
	if (kind ~ /^[Uvw]$/)
		users[name] = users[name] " " object
	else
		defined[name] = 1
}
END {
	for (name in users) {
		if (name in defined)
			continue
		ok = 0
		for (i = 1; i <= n; i++)
			if (name ~ pattern[i])
				ok = verdict[i]
		if (!ok)
			print "# " name " is wanted by" users[name]
	}
}' | sort)

if [ -z "$bad" ]; then
	echo "ok 1 - the core touches nothing outside"
else
	echo "$bad"
	echo "not ok 1 - the core touches nothing outside"
	exit 1
fi
