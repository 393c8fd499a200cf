#include "federation/frames.h"

#include <string.h>

#include "base/out.h"
#include "wire/mp.h"

/*
 * Layouts, one letter for each value:
 *	u  unsigned integer         b  true or false            c  class, 0 to 5
 *	i  id                       o  id or empty              s  signature
 *	h  8 bytes                  t  16 bytes                 z  signature or empty
 *	xN bin of at most N bytes   yN the same, 1 at least     nN string of at most N bytes
 *	*N( ... )  array of at most N arrays of ...             *Nx  array of at most N values x
 *	+N         the same with at least one
 * A frame is an array of exactly the values that its layout has.
 */
static const struct layout {
	const char *name, *fields;
	int cls;                        /* FREE: needs no credit; GIVEN: the second value says */
	uint32_t max;
} layouts[KITH_FR_COUNT_] = {
#define FREE (-1)
#define GIVEN (-2)
	[KITH_FR_HELLO] = { "HELLO", "uuiu*4y1024s", FREE, KITH_FRAME_STRANGER },
	[KITH_FR_CHAIN] = { "CHAIN", "+4y1024", FREE, KITH_FRAME_STRANGER },
	[KITH_FR_WELCOME] = { "WELCOME", "uuuuuu", FREE, 64 },
	[KITH_FR_CREDIT] = { "CREDIT", "+6(cu)", FREE, 128 },
	[KITH_FR_PING] = { "PING", "u", FREE, 16 },
	[KITH_FR_PONG] = { "PONG", "u", FREE, 16 },
	[KITH_FR_BYE] = { "BYE", "n64", FREE, 128 },
	[KITH_FR_NODES] = { "NODES", "+100(+64y1024)", KITH_CL_CONTROL, KITH_FRAME_MAX },
	[KITH_FR_TAGS] = { "TAGS", "+4096t", KITH_CL_CONTROL, KITH_FRAME_MAX },
	[KITH_FR_SHOW] = { "SHOW", "i", KITH_CL_CONTROL, 64 },
	[KITH_FR_JOIN] = { "JOIN", "utoo", KITH_CL_CONTROL, 256 },
	[KITH_FR_JOINED] = { "JOINED", "ub", KITH_CL_CONTROL, 64 },
	[KITH_FR_SUM] = { "SUM", "ui", KITH_CL_LIVE, 128 },
	[KITH_FR_GROUPS] = { "GROUPS", "*1024(ii)", KITH_CL_LIVE, KITH_FRAME_MAX },
	[KITH_FR_DIGEST] = { "DIGEST", "iiii*4096(ii)", KITH_CL_LIVE, KITH_FRAME_MAX },
	[KITH_FR_CLOCKS] = { "CLOCKS", "ib*1024(i*8192(ihui))", KITH_CL_LIVE, KITH_FRAME_MAX },
	[KITH_FR_IHAVE] = { "IHAVE", "i+1024(iihui)", KITH_CL_CONTROL, KITH_FRAME_MAX },
	[KITH_FR_EAGER] = { "EAGER", "iib", KITH_CL_CONTROL, 128 },
	[KITH_FR_INVITES] = { "INVITES", "i*1024i", KITH_CL_LIVE, KITH_FRAME_MAX },
	[KITH_FR_WANT_RANGE] = { "WANT_RANGE", "uiiihuu", KITH_CL_CONTROL, 256 },
	[KITH_FR_WANT_IDS] = { "WANT_IDS", "ui+1024i", KITH_CL_CONTROL, KITH_FRAME_MAX },
	[KITH_FR_WANT_OBJECTS] = { "WANT_OBJECTS", "ui+1024i", KITH_CL_CONTROL, KITH_FRAME_MAX },
	[KITH_FR_HISTORY] = { "HISTORY", "uiiuu", KITH_CL_CONTROL, 256 },
	[KITH_FR_RUN] = { "RUN", "uciu+512(y16384zx65636)", GIVEN, KITH_FRAME_MAX },
	[KITH_FR_OBJECTS] = { "OBJECTS", "uci+1024(uy1048000)", GIVEN, KITH_FRAME_MAX },
	[KITH_FR_WHERE] = { "WHERE", "ui*1024(iihu)", KITH_CL_HISTORY, KITH_FRAME_MAX },
	[KITH_FR_DONE] = { "DONE", "ub", KITH_CL_HISTORY, 64 },
	[KITH_FR_PROOF] = { "PROOF", "i+2(y16384s)", KITH_CL_AUTHORITY, 65536 },
	[KITH_FR_MAIL] = { "MAIL", "utux65536", KITH_CL_BULK, KITH_MAIL_MAX + 128 },
	[KITH_FR_MAILED] = { "MAILED", "uu", KITH_CL_CONTROL, 64 },
	[KITH_FR_ASK] = { "ASK", "uux65536", KITH_CL_CONTROL, KITH_MAIL_MAX + 128 },
	[KITH_FR_ANSWER] = { "ANSWER", "ubx65536", KITH_CL_CONTROL, KITH_MAIL_MAX + 128 },
	[KITH_FR_FLEETING] = { "FLEETING", "oox1024", KITH_CL_EPHEMERAL, KITH_FLEETING_MAX + 128 },
};

static const struct layout *
layout_of(uint8_t type)
{
	return type < KITH_FR_COUNT_ && layouts[type].fields != NULL ? &layouts[type] : NULL;
}

const char *
kith_frame_name(uint8_t type)
{
	const struct layout *l = layout_of(type);

	return l == NULL ? "?" : l->name;
}

static uint32_t
number(const char **s)
{
	uint32_t n = 0;

	for (; **s >= '0' && **s <= '9'; (*s)++)
		n = n * 10 + (uint32_t)(**s - '0');
	return n;
}

static int
bin_of(struct kith_mp_reader *r, size_t min, size_t max)
{
	struct kith_slice s = kith_mp_bin(r);

	if (r->err != KITH_OK)
		return r->err;
	return s.n < min ? KITH_E_MALFORMED : s.n > max ? KITH_E_LIMIT : KITH_OK;
}

/* One value other than a list; *s moves behind its letter. */
static int
scalar(struct kith_mp_reader *r, const char **s)
{
	struct kith_slice v;
	char c = *(*s)++;
	uint32_t max;

	switch (c) {
	case 'u':
		(void)kith_mp_uint(r);
		return r->err;
	case 'c':
		return kith_mp_uint(r) < KITH_CL_COUNT_ ? r->err : KITH_E_MALFORMED;
	case 'b':
		(void)kith_mp_bool(r);
		return r->err;
	case 'i':
		return bin_of(r, 32, 32) == KITH_OK ? KITH_OK : KITH_E_MALFORMED;
	case 'h':
		return bin_of(r, 8, 8) == KITH_OK ? KITH_OK : KITH_E_MALFORMED;
	case 't':
		return bin_of(r, 16, 16) == KITH_OK ? KITH_OK : KITH_E_MALFORMED;
	case 's':
		return bin_of(r, 64, 64) == KITH_OK ? KITH_OK : KITH_E_MALFORMED;
	case 'o':
	case 'z':
		v = kith_mp_bin(r);
		return r->err == KITH_OK && (v.n == 0 || v.n == (c == 'o' ? 32u : 64u)) ? KITH_OK : KITH_E_MALFORMED;
	case 'x':
	case 'y':
		max = number(s);
		return bin_of(r, c == 'y', max);
	default:
		kith_assert(c == 'n');
		max = number(s);
		v = kith_mp_str(r);
		return r->err != KITH_OK ? r->err : v.n > max ? KITH_E_LIMIT : KITH_OK;
	}
}

static const char *
after(const char *s)
{
	int deep = 1;

	for (; deep > 0; s++)
		deep += *s == '(' ? 1 : *s == ')' ? -1 : 0;
	return s;
}

static uint32_t
count_fields(const char *s)
{
	uint32_t n = 0;

	while (*s != '\0' && *s != ')') {
		bool list = *s == '*' || *s == '+';

		n++;
		s++;
		(void)number(&s);
		if (list) {
			s = *s == '(' ? after(s + 1) : s + 1;
			(void)number(&s);
		}
	}
	return n;
}

/* Recursion follows our own table, three deep at most. */
static int
fields(struct kith_mp_reader *r, const char *s)
{
	uint32_t n, max, i;
	bool least;
	const char *item;
	int e = KITH_OK;

	kith_mp_array_exact(r, count_fields(s));
	if (r->err != KITH_OK)
		return r->err;
	while (e == KITH_OK && *s != '\0' && *s != ')') {
		if (*s != '*' && *s != '+') {
			e = scalar(r, &s);
			continue;
		}
		least = *s++ == '+';
		max = number(&s);
		n = kith_mp_array(r);
		if (r->err != KITH_OK)
			return r->err;
		if (n > max)
			return KITH_E_LIMIT;
		if (least && n == 0)
			return KITH_E_MALFORMED;
		item = s;
		for (i = 0; e == KITH_OK && i < n; i++) {
			s = item;
			e = *s == '(' ? fields(r, s + 1) : scalar(r, &s);
		}
		s = *item == '(' ? after(item + 1) : item + 1;
		(void)number(&s);
	}
	return e;
}

int
kith_frame_check(uint8_t type, struct kith_slice frame)
{
	static const struct kith_mp_limits lim = { .depth = 8, .values = 65536, .nil = false };
	const struct layout *l = layout_of(type);
	struct kith_mp_reader r;
	int e;

	if (l == NULL)
		return KITH_E_MALFORMED;
	if (frame.n > l->max)
		return KITH_E_LIMIT;
	e = kith_mp_check(frame, &lim);
	if (e != KITH_OK)
		return e;
	kith_mp_read(&r, frame);
	e = fields(&r, l->fields);
	if (e == KITH_OK && !kith_mp_done(&r))
		e = KITH_E_MALFORMED;
	return e;
}

int
kith_frame_class(uint8_t type, struct kith_slice frame)
{
	const struct layout *l = layout_of(type);
	struct kith_mp_reader r;

	if (l == NULL || l->cls == FREE)
		return -1;
	if (l->cls != GIVEN)
		return l->cls;
	kith_mp_read(&r, frame);
	(void)kith_mp_array(&r);
	(void)kith_mp_uint(&r);
	return (int)kith_mp_uint(&r);
}
