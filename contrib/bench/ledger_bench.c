/*
 * How fast the ledger takes in and gives back records, on disk and in memory:
 *	ledger_bench DIR [records present]
 * DIR must not exist; it is left for looking at.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/sign.h"
#include "storage/ledger.h"
#include "storage/lmdb.h"

#define HEADER 330
#define BODY 120
#define FEEDS 8
#define BATCH 256
#define PAGE 50

static uint64_t rnd_state = 88172645463325252;

static uint64_t
rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

static double
now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
must(int r, const char *what)
{
	if (r == KITH_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, kith_err_name(r));
	exit(1);
}

struct bench {
	struct kith_store *s;
	uint32_t feedno[FEEDS], scopeno;
	uint64_t seq[FEEDS], clock;
	struct kith_id some[4096];              /* a sample of ids */
	uint64_t n;
};

static void
open_feeds(struct bench *b)
{
	struct kith_ledger_key k = { .incarnation = 1 };
	struct kith_ledger_feed f;
	struct kith_txn *t;
	int i;

	must(kith_store_begin(b->s, true, &t), "begin");
	for (i = 0; i < FEEDS; i++) {
		k.node.b[0] = (uint8_t)i;
		must(kith_ledger_feed(t, &k, true, &b->feedno[i]), "feed");
	}
	must(kith_ledger_feed_get(t, b->feedno[0], &f), "feed");
	b->scopeno = f.scopeno;
	must(kith_txn_commit(t), "commit");
}

static void
batch(struct bench *b, int n)
{
	uint8_t header[HEADER] = { 0 }, body[BODY] = { 0 }, sig[64] = { 0 };
	struct kith_txn *t;
	uint64_t pos;
	int i, f;

	must(kith_store_begin(b->s, true, &t), "begin");
	for (i = 0; i < n; i++) {
		struct kith_ledger_new rec = { .in_order = true };

		f = (int)(rnd() % FEEDS);
		kith_put_be64(header, rnd());
		kith_put_be64(header + 8, b->n);
		rec.feedno = b->feedno[f];
		rec.scopeno = b->scopeno;
		rec.seq = b->seq[f]++;
		rec.clock = b->clock += rnd() % 1000;
		rec.header = kith_slice_of(header, sizeof(header));
		rec.body = kith_slice_of(body, sizeof(body));
		if (i == n - 1)
			rec.sig = kith_slice_of(sig, sizeof(sig));
		kith_hash(KITH_L_RECORD, rec.header, &rec.id);
		must(kith_ledger_add(t, &rec, &pos), "add");
		b->some[b->n < 4096 ? b->n : rnd() % 4096] = rec.id;
		b->n++;
	}
	must(kith_txn_commit(t), "commit");
}

static void
rate(struct bench *b, const char *name, int n, double seconds)
{
	double t0 = now_s(), e;
	uint64_t done = 0, batches = 0;

	do {
		batch(b, n);
		done += (uint64_t)n;
		batches++;
		e = now_s() - t0;
	} while (e < seconds);
	printf("%-8s batch %5d: %9.0f records/s  %8.0f us/commit\n", name, n, (double)done / e, 1e6 * e / (double)batches);
}

static void
reads(struct bench *b, const char *name)
{
	struct kith_ledger_entry page[PAGE], from;
	struct kith_ledger_record rec;
	struct kith_txn *t;
	const int rounds = 20000;
	double t0, list = 0, all = 0;
	size_t n, i;
	int k;

	t0 = now_s();
	for (k = 0; k < rounds; k++) {
		from = (struct kith_ledger_entry){ rnd() % (b->clock + 1), UINT64_MAX, UINT64_MAX };
		must(kith_store_begin(b->s, false, &t), "begin");
		must(kith_ledger_page(t, b->scopeno, &from, true, page, PAGE, &n), "page");
		kith_txn_abort(t);
	}
	list = now_s() - t0;
	t0 = now_s();
	for (k = 0; k < rounds; k++) {
		from = (struct kith_ledger_entry){ rnd() % (b->clock + 1), UINT64_MAX, UINT64_MAX };
		must(kith_store_begin(b->s, false, &t), "begin");
		must(kith_ledger_page(t, b->scopeno, &from, true, page, PAGE, &n), "page");
		for (i = 0; i < n; i++)
			must(kith_ledger_get(t, page[i].pos, &rec), "get");
		kith_txn_abort(t);
	}
	all = now_s() - t0;
	printf("%-8s page of %d: places %.1f us, with records hashed again %.1f us\n", name, PAGE, 1e6 * list / rounds,
	    1e6 * all / rounds);
	t0 = now_s();
	must(kith_store_begin(b->s, false, &t), "begin");
	for (k = 0; k < rounds * 10; k++)
		must(kith_ledger_get_id(t, &b->some[rnd() % 4096], &rec), "get_id");
	kith_txn_abort(t);
	printf("%-8s by id: %.2f us\n", name, 1e5 * (now_s() - t0) / rounds);
}

static void
run(const char *name, struct kith_store *s, uint64_t present)
{
	static const int sizes[] = { 1, 16, 64, 256, 1024 };
	static struct bench b;
	double t0 = now_s();
	size_t i;

	memset(&b, 0, sizeof(b));
	b.s = s;
	open_feeds(&b);
	while (b.n < present)
		batch(&b, 1000);
	printf("%-8s %llu records present after %.1f s\n", name, (unsigned long long)b.n, now_s() - t0);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		rate(&b, name, sizes[i], 2.0);
	reads(&b, name);
	kith_store_close(s);
}

static void
hashing(void)
{
	uint8_t header[HEADER] = { 0 };
	struct kith_id id;
	double t0 = now_s();
	int i;

	for (i = 0; i < 500000; i++) {
		header[0] = (uint8_t)i;
		kith_hash(KITH_L_RECORD, kith_slice_of(header, sizeof(header)), &id);
	}
	printf("hash of a %d-byte header: %.2f us\n", HEADER, 2 * (now_s() - t0));
}

int
main(int argc, char **argv)
{
	uint64_t present = argc > 2 ? strtoull(argv[2], NULL, 10) : 300000;
	struct kith_diag diag;
	struct kith_store *s;

	if (argc < 2 || sodium_init() < 0) {
		fprintf(stderr, "usage: ledger_bench DIR [records present]\n");
		return 2;
	}
	hashing();
	if (kith_store_lmdb_open(argv[1], NULL, &diag, &s) != KITH_OK) {
		fprintf(stderr, "%s\n", diag.text);
		return 1;
	}
	run("lmdb", s, present);
	must(kith_store_mem_new(&s), "mem");
	run("mem", s, present);
	return 0;
}
