#include "base/mail.h"

#include <string.h>

bool
kith_is_mail_address(struct kith_slice s)
{
	size_t ats = 0;

	if (s.n < 3 || s.n > KITH_MAIL_ADDRESS_MAX || s.p[0] == '@' || s.p[0] == '-' || s.p[s.n - 1] == '@')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '@')
			ats++;
		else if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || strchr("<>()[],;:\\\"", s.p[i]) != NULL)
			return false;
	}
	return ats == 1;
}
