#include "tests/unit/kit.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "wire/mp.h"

static void
no_dice(void *ctx, void *p, size_t n)
{
	(void)ctx;
	memset(p, 0, n);
}

static int
verify(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	(void)ctx;
	return kith_verify(pk, (enum kith_label)label, msg, sig);
}

const struct kith_env *
kit_env(void)
{
	static const struct kith_env env = { .random = no_dice, .verify = verify };

	if (sodium_init() < 0)
		abort();
	return &env;
}

struct kith_id
kit_id(const char *name)
{
	struct kith_id id;

	kith_hash(KITH_L_OBJECT, kith_slice_str(name), &id);
	return id;
}

const struct kith_signer *
kit_key(const char *name)
{
	static struct {
		char name[32];
		struct kith_signer *key;
	} keys[64];
	struct kith_id seed = kit_id(name);
	size_t i;

	(void)kit_env();
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]) && keys[i].key != NULL; i++)
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].key;
	if (i == sizeof(keys) / sizeof(keys[0]) || strlen(name) >= sizeof(keys[i].name))
		abort();
	strcpy(keys[i].name, name);
	if (kith_signer_from_seed(seed.b, &keys[i].key) != KITH_OK)
		abort();
	return keys[i].key;
}

const uint8_t *
kit_pk(const char *name)
{
	return kith_signer_pk(kit_key(name));
}

struct kith_slice
kit_pk_slice(const char *name)
{
	return kith_slice_of(kit_pk(name), KITH_PK_BYTES);
}

void
kit_parts_split(struct kit_parts *p, struct kith_slice array)
{
	struct kith_mp_reader r;
	size_t i;

	memset(p, 0, sizeof(*p));
	kith_mp_read(&r, array);
	p->n = kith_mp_array(&r);
	if (p->n > sizeof(p->part) / sizeof(p->part[0]))
		abort();
	for (i = 0; i < p->n; i++)
		kith_buf_put_slice(&p->part[i], kith_mp_skip(&r));
	if (!kith_mp_done(&r))
		abort();
}

void
kit_parts_set(struct kit_parts *p, size_t i, struct kith_slice bytes)
{
	kith_buf_reset(&p->part[i]);
	kith_buf_put_slice(&p->part[i], bytes);
}

void
kit_parts_join(const struct kit_parts *p, struct kith_buf *out)
{
	size_t i;

	kith_mp_put_array(out, (uint32_t)p->n);
	for (i = 0; i < p->n; i++)
		kith_buf_put_slice(out, kith_buf_slice(&p->part[i]));
}

void
kit_parts_fini(struct kit_parts *p)
{
	size_t i;

	for (i = 0; i < sizeof(p->part) / sizeof(p->part[0]); i++)
		kith_buf_fini(&p->part[i]);
}
