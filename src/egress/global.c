#include <netinet/in.h>
#include <string.h>

#include "egress/egress.h"

struct range { uint8_t bits, base[16]; };

static const struct range not_global_4[] = {
	{ 8, { 0 } }, { 8, { 10 } }, { 10, { 100, 64 } }, { 8, { 127 } }, { 16, { 169, 254 } }, { 12, { 172, 16 } }, { 24, { 192, 0, 0 } },
	{ 24, { 192, 0, 2 } }, { 24, { 192, 88, 99 } }, { 16, { 192, 168 } }, { 15, { 198, 18 } }, { 24, { 198, 51, 100 } },
	{ 24, { 203, 0, 113 } }, { 4, { 224 } }, { 4, { 240 } },
};
/* Of IPv6 only 2000::/3 is given out; these are the parts of it that are for something else. */
static const struct range not_global_6[] = {
	{ 23, { 0x20, 0x01, 0x00 } }, { 32, { 0x20, 0x01, 0x0d, 0xb8 } }, { 20, { 0x3f, 0xff } },
};

static bool
in(const struct range *r, const uint8_t *a)
{
	size_t whole = r->bits / 8;
	unsigned rest = r->bits % 8;

	if (memcmp(a, r->base, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ r->base[whole]) >> (8 - rest)) == 0;
}

static bool
is_global_4(const uint8_t a[4])
{
	for (size_t i = 0; i < sizeof(not_global_4) / sizeof(not_global_4[0]); i++) {
		if (in(&not_global_4[i], a))
			return false;
	}
	return true;
}

static bool
is_global_6(const uint8_t a[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
		return is_global_4(a + 12);
	/* 6to4: the IPv4 address stands in front */
	if (a[0] == 0x20 && a[1] == 0x02)
		return is_global_4(a + 2);
	if ((a[0] & 0xe0) != 0x20)
		return false;
	for (size_t i = 0; i < sizeof(not_global_6) / sizeof(not_global_6[0]); i++) {
		if (in(&not_global_6[i], a))
			return false;
	}
	return true;
}

bool
kith_is_global(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, sa, sizeof(v4));
		return is_global_4((const uint8_t *)&v4.sin_addr);
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, sa, sizeof(v6));
		return is_global_6(v6.sin6_addr.s6_addr);
	}
	return false;
}
