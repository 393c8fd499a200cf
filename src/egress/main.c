#include <string.h>

#include <curl/curl.h>
#include <sodium.h>

#include "base/arena.h"
#include "egress/egress.h"
#include "helper/serve.h"
#include "wire/mp.h"

/* A copy with a NUL at its end. */
static const char *
text(struct kith_mp_reader *r, struct kith_arena *a)
{
	struct kith_slice s = kith_mp_str(r);
	char *p = kith_arena_alloc(a, s.n + 1);

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
run(struct kith_slice job, struct kith_arena *a, struct kith_went *w)
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
		m.server = text(&r, a);
		m.user = text(&r, a);
		m.password = text(&r, a);
		m.from = text(&r, a);
		m.name = text(&r, a);
		m.to = text(&r, a);
		m.subject = text(&r, a);
		m.text = text(&r, a);
		if (kith_mp_done(&r))
			kith_mail_send(&m, w);
	} else if (kind == KITH_EGRESS_PAGE) {
		p.url = text(&r, a);
		p.origin = text(&r, a);
		p.private = kith_mp_bool(&r);
		if (kith_mp_done(&r))
			kith_page_ask(&p, w);
	}
}

static void
work(struct kith_slice job, struct kith_buf *answer)
{
	struct kith_went w = { .outcome = KITH_EGRESS_FAILED };
	struct kith_arena *a = kith_arena_new(2 * KITH_EGRESS_JOB_MAX);

	if (a != NULL && sodium_init() >= 0 && curl_global_init(CURL_GLOBAL_SSL) == CURLE_OK)
		run(job, a, &w);
	kith_mp_put_array(answer, 4);
	kith_mp_put_uint(answer, KITH_EGRESS_VERSION);
	kith_mp_put_uint(answer, (uint64_t)w.outcome);
	kith_mp_put_uint(answer, w.status);
	kith_mp_put_cstr(answer, w.text);
	kith_arena_free(a);
}

int
main(void)
{
	static const struct kith_sandbox box = { .cpu_s = 5, .memory_mib = 256, .network = true };

	kith_serve("kith-egress", &box, KITH_EGRESS_JOB_MAX, work);
}
