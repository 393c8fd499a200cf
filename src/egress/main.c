#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <sodium.h>

#include "egress/egress.h"
#include "helper/serve.h"
#include "wire/mp.h"

/* A copy with a NUL at its end; lives as long as the process, which is not long. */
static const char *
text(struct kith_mp_reader *r)
{
	struct kith_slice s = kith_mp_str(r);
	char *p = malloc(s.n + 1);

	if (p == NULL) {
		r->err = KITH_E_NOMEM;
		return "";
	}
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

static void
run(struct kith_slice job, struct kith_went *w)
{
	static const struct kith_mp_limits lim = { .depth = 1, .values = 16, .nil = false };
	struct kith_mp_reader r;
	struct kith_mail m;
	struct kith_page p;
	uint64_t kind;

	w->outcome = KITH_EGRESS_BAD;
	if (kith_mp_check(job, &lim) != KITH_OK)
		return;
	kith_mp_read(&r, job);
	if (kith_mp_array(&r) < 2 || kith_mp_uint(&r) != KITH_EGRESS_VERSION)
		return;
	kind = kith_mp_uint(&r);
	if (kind == KITH_EGRESS_MAIL) {
		m.server = text(&r);
		m.user = text(&r);
		m.password = text(&r);
		m.from = text(&r);
		m.name = text(&r);
		m.to = text(&r);
		m.subject = text(&r);
		m.text = text(&r);
		if (kith_mp_done(&r))
			kith_mail_send(&m, w);
	} else if (kind == KITH_EGRESS_PAGE) {
		p.url = text(&r);
		p.origin = text(&r);
		p.private = kith_mp_bool(&r);
		if (kith_mp_done(&r))
			kith_page_ask(&p, w);
	}
}

static void
work(struct kith_slice job, struct kith_buf *answer)
{
	struct kith_went w = { .outcome = KITH_EGRESS_FAILED };

	if (sodium_init() >= 0 && curl_global_init(CURL_GLOBAL_SSL) == CURLE_OK)
		run(job, &w);
	kith_mp_put_array(answer, 4);
	kith_mp_put_uint(answer, KITH_EGRESS_VERSION);
	kith_mp_put_uint(answer, (uint64_t)w.outcome);
	kith_mp_put_uint(answer, w.status);
	kith_mp_put_cstr(answer, w.text);
}

int
main(void)
{
	static const struct kith_sandbox box = { .cpu_s = 5, .memory_mib = 256, .network = true };

	kith_serve("kith-egress", &box, KITH_EGRESS_JOB_MAX, work);
}
