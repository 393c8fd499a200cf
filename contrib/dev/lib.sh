# Read by the other scripts: `. "$top/contrib/dev/lib.sh"` with $top set.
# shellcheck shell=sh

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Where npm puts a newer Node.js.
case :$PATH: in
*:/usr/local/bin:*) ;;
*) PATH=/usr/local/bin:$PATH; export PATH ;;
esac

# npm trusts the certificates that the system trusts, as curl and apt do.
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r /etc/ssl/certs/ca-certificates.crt ]; then
	export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
fi

# stage DIR: a fresh copy of the sources in DIR, times kept so that make rebuilds only what
# changed. The copy lets us build beside a checkout that was itself configured.
stage()
{
	rm -rf "$1.new" && mkdir -p "$1.new" || return
	tar -C "$top" --anchored --exclude=./build --exclude=./.git --exclude=./autom4te.cache \
	    --exclude=./Makefile --exclude=./Makefile.in --exclude=./config.h --exclude=./config.h.in \
	    --exclude=./config.status --exclude=./config.log --exclude=./stamp-h1 --exclude=./configure \
	    --exclude=./aclocal.m4 --exclude=./contrib/build-aux --exclude='./kith-*' --exclude=./kith \
	    --exclude=./kithd --exclude=./kithctl --no-anchored --exclude='*.o' --exclude='*.a' \
	    --exclude='*.trs' --exclude='*.log' --exclude=.deps --exclude=.dirstamp \
	    --exclude=__pycache__ --exclude=node_modules --exclude=web.pack --exclude=./src/web/dist --warning=no-file-changed \
	    -cf - . | tar -C "$1.new" -xf - || return
	(cd "$1.new" && autoreconf -fi) >"$1.log" 2>&1 || { tail -n 30 "$1.log"; return 1; }
	rm -rf "$1" && mv "$1.new" "$1"
}

# configure_in DIR ARG...: configure the copy staged in DIR/../src.
configure_in()
{
	objdir=$1
	shift
	mkdir -p "$objdir" || return
	(cd "$objdir" && ../src/configure --quiet "$@") >"$objdir/configure.out" 2>&1 ||
		{ tail -n 30 "$objdir/configure.out"; return 1; }
}
