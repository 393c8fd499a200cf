# KITH_TRY_CFLAG(VARIABLE, FLAG...): append each flag the compiler takes without a word.
AC_DEFUN([KITH_TRY_CFLAG], [
m4_foreach_w([flag], [$2], [
AC_MSG_CHECKING([whether $CC accepts flag])
kith_save_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS -Werror flag"
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[]])],
    [AC_MSG_RESULT([yes]); $1="$$1 flag"], [AC_MSG_RESULT([no])])
CFLAGS=$kith_save_CFLAGS
])])

# KITH_TRY_LDFLAG(VARIABLE, FLAG...): the same for the linker.
AC_DEFUN([KITH_TRY_LDFLAG], [
m4_foreach_w([flag], [$2], [
AC_MSG_CHECKING([whether $CC links with flag])
kith_save_LDFLAGS=$LDFLAGS
LDFLAGS="$LDFLAGS -Werror m4_bpatsubst(flag, [;], [,])"
AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes]); $1="$$1 m4_bpatsubst(flag, [;], [,])"], [AC_MSG_RESULT([no])])
LDFLAGS=$kith_save_LDFLAGS
])])

# KITH_LIB(PREFIX, MODULE, HEADER, LIBRARY, FUNCTION): pkg-config first, a plain probe for
# systems that ship the library without its .pc file.
AC_DEFUN([KITH_LIB], [
PKG_CHECK_MODULES([$1], [$2], [], [
	AC_CHECK_HEADER([$3], [], [AC_MSG_ERROR([$3 is missing: install the development files of $4])])
	kith_save_LIBS=$LIBS
	AC_CHECK_LIB([$4], [$5], [$1_LIBS="-l$4"], [AC_MSG_ERROR([lib$4 is missing])])
	LIBS=$kith_save_LIBS
	AC_SUBST([$1_CFLAGS])
	AC_SUBST([$1_LIBS])
])])

# Everything that decides how the compiler and the linker are called.
AC_DEFUN([KITH_COMPILER_FLAGS], [
WARN_CFLAGS= HARDEN_CPPFLAGS= HARDEN_CFLAGS= HARDEN_LDFLAGS= INSTRUMENT_CFLAGS=

KITH_TRY_CFLAG([WARN_CFLAGS], [-Wall -Wextra -Wformat=2 -Wconversion -Wvla])
AS_IF([test "$enable_werror" != no], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])

KITH_TRY_CFLAG([HARDEN_CFLAGS], [-fstack-protector-strong -fstack-clash-protection -fcf-protection
    -ftrivial-auto-var-init=zero -fPIE -ffunction-sections -fdata-sections])
KITH_TRY_LDFLAG([HARDEN_LDFLAGS], [-pie -Wl;-z;relro -Wl;-z;now -Wl;-z;noexecstack -Wl;--as-needed -Wl;--gc-sections])

# The sanitizers check what fortified calls would hide from them.
AS_IF([test "$enable_sanitizers$enable_tsan$enable_fuzz$enable_coverage" = nononono], [
	for level in 3 2; do
		AC_MSG_CHECKING([for _FORTIFY_SOURCE=$level])
		kith_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$level"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[]])],
		    [AC_MSG_RESULT([yes]); HARDEN_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$level"],
		    [AC_MSG_RESULT([no])])
		CFLAGS=$kith_save_CFLAGS
		test -z "$HARDEN_CPPFLAGS" || break
	done
])

AS_IF([test "$enable_sanitizers" != no],
    [INSTRUMENT_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"])
AS_IF([test "$enable_tsan" != no],
    [INSTRUMENT_CFLAGS="-fsanitize=thread -fno-omit-frame-pointer"])
AS_IF([test "$enable_fuzz" != no], [
	INSTRUMENT_CFLAGS="$INSTRUMENT_CFLAGS -fsanitize=fuzzer-no-link"
	FUZZ_LDFLAGS="-fsanitize=fuzzer"])
AS_IF([test "$enable_coverage" != no],
    [INSTRUMENT_CFLAGS="$INSTRUMENT_CFLAGS --coverage -fprofile-update=atomic"])
AS_IF([test -n "$INSTRUMENT_CFLAGS"], [
	AC_MSG_CHECKING([whether $CC links with $INSTRUMENT_CFLAGS])
	kith_save_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS $INSTRUMENT_CFLAGS"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
	    [AC_MSG_RESULT([no]); AC_MSG_ERROR([this compiler cannot build what was asked for])])
	CFLAGS=$kith_save_CFLAGS
])

AC_SUBST([WARN_CFLAGS])
AC_SUBST([HARDEN_CPPFLAGS])
AC_SUBST([HARDEN_CFLAGS])
AC_SUBST([HARDEN_LDFLAGS])
AC_SUBST([INSTRUMENT_CFLAGS])
AC_SUBST([FUZZ_LDFLAGS])
])
