#include "client/account.h"

#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unicase.h>
#include <unictype.h>
#include <unigbrk.h>
#include <unistr.h>

static bool
is_refused(ucs4_t u)
{
	if (u == '#' || u == '@' || u == '/' || u == 0xfeff)
		return true;
	if ((u >= 0x202a && u <= 0x202e) || (u >= 0x2066 && u <= 0x2069) || u == 0x200e || u == 0x200f || u == 0x061c)
		return true;
	return uc_is_general_category_withtable(u, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cs | UC_CATEGORY_MASK_Zl |
	    UC_CATEGORY_MASK_Zp | UC_CATEGORY_MASK_Cn);
}

int
kith_nick_clean(struct kith_slice in, struct kith_buf *out)
{
	uint8_t *nfc = NULL;
	size_t n = 0, graphemes = 0, solid = 0;
	ucs4_t first = 0, last = 0;
	int r = KITH_E_MALFORMED;

	if (in.n == 0 || in.n > 512 || !kith_utf8_ok(in))
		return KITH_E_MALFORMED;
	nfc = u8_normalize(UNINORM_NFC, in.p, in.n, NULL, &n);
	if (nfc == NULL)
		return KITH_E_NOMEM;
	if (n == 0 || n > 128)
		goto done;
	for (size_t i = 0; i < n;) {
		ucs4_t u;
		int len = u8_mbtouc(&u, nfc + i, n - i);

		if (len <= 0 || is_refused(u))
			goto done;
		if (i == 0)
			first = u;
		last = u;
		if (!uc_is_property_white_space(u) && !uc_is_property_default_ignorable_code_point(u))
			solid++;
		i += (size_t)len;
	}
	if (solid == 0 || uc_is_property_white_space(first) || uc_is_property_white_space(last))
		goto done;
	for (const uint8_t *p = nfc; p != NULL && p < nfc + n; graphemes++)
		p = u8_grapheme_next(p, nfc + n);
	if (graphemes > KITH_NICK_GRAPHEMES)
		goto done;
	kith_buf_put(out, nfc, n);
	r = kith_buf_err(out);
done:
	free(nfc);
	return r;
}

int
kith_name_fold(struct kith_slice in, struct kith_buf *out)
{
	size_t n = 0;
	uint8_t *f;

	if (!kith_utf8_ok(in))
		return KITH_E_MALFORMED;
	f = u8_casefold(in.p, in.n, NULL, UNINORM_NFKC, NULL, &n);
	if (f == NULL)
		return KITH_E_NOMEM;
	kith_buf_put(out, f, n);
	free(f);
	return kith_buf_err(out);
}

void
kith_handle_split(struct kith_slice text, struct kith_slice *name, uint32_t *number)
{
	size_t i = text.n;

	*name = text;
	*number = 0;
	while (i > 0 && text.p[i - 1] >= '0' && text.p[i - 1] <= '9')
		i--;
	if (i == text.n || text.n - i > 6 || i == 0 || text.p[i - 1] != '#')
		return;
	for (size_t k = i; k < text.n; k++)
		*number = *number * 10 + (uint32_t)(text.p[k] - '0');
	*name = kith_slice_of(text.p, i - 1);
}
