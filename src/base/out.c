#include "base/out.h"

#include <stdlib.h>
#include <string.h>

void
kith_out_init(struct kith_out *o)
{
	memset(o, 0, sizeof(*o));
}

void
kith_out_reset(struct kith_out *o)
{
	for (size_t i = 0; i < o->list.n; i++) {
		free(o->list.v[i].bytes);
		free(o->list.v[i].text);
	}
	o->list.n = 0;
	o->failed = false;
}

void
kith_out_fini(struct kith_out *o)
{
	kith_out_reset(o);
	kith_vec_fini(&o->list);
}

struct kith_output *
kith_out_add(struct kith_out *o, enum kith_out_kind kind)
{
	struct kith_output *e;

	if (kith_vec_grow(&o->list) != KITH_OK) {
		o->failed = true;
		return NULL;
	}
	e = &o->list.v[o->list.n - 1];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	return e;
}

void
kith_output_bytes(struct kith_out *o, struct kith_output *e, struct kith_slice s)
{
	if (e == NULL || s.n == 0)
		return;
	e->bytes = malloc(s.n);
	if (e->bytes == NULL) {
		o->failed = true;
		return;
	}
	memcpy(e->bytes, s.p, s.n);
	e->n = s.n;
}

void
kith_output_text(struct kith_out *o, struct kith_output *e, const char *text)
{
	if (e == NULL || text == NULL)
		return;
	e->text = strdup(text);
	if (e->text == NULL)
		o->failed = true;
}
