/*
 * Power losses, worked out instead of waited for: a node lives a while over a log
 * of its writes; then, for each moment at which the power may have gone, the disks
 * that may be left are made one after the other, and the node is started on each.
 *
 *	powerloss [--states N] [--seed N] [--rounds N] [--plant NAME] [--find] [--verbose]
 *
 * N states in all (default 60; 0: all there are); a moment with few pieces
 * undecided is gone through in full, others are drawn. --plant breaks a promise:
 * no-sync, no-meta-sync (what LMDB's flags of these names do), no-dir-sync, early-ack.
 * --find stops at the first that is wrong. Prints TAP; exit 1: something was lost.
 */
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/map.h"
#include "daemon/state.h"
#include "tests/crash/disk.h"
#include "tests/crash/life.h"
#include "tests/crash/wlog.h"
#include "tests/unit/kit.h"
#include "tests/unit/tmpdir.h"

#define SMALL 6                 /* undecided pieces of which every choice is tried */
#define DRAWN 10                /* and how many of larger ones, in each manner */

static struct {
	unsigned states, rounds;
	uint64_t seed, dice;
	const char *plant;
	bool verbose, find;

	char dir[KITH_TEST_PATH];
	struct life *life;
	struct kith_map *seen;
	size_t n, wrong, exhausted, moments;
	char first[600];
} p = { .states = 60, .rounds = 40, .seed = 1, .plant = "" };
static unsigned env_flags;

int __real_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);

int
__wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
	return __real_mdb_env_open(env, path, flags | env_flags, mode);
}

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static uint64_t
draw(void)
{
	p.dice = p.dice * 6364136223846793005u + 1442695040888963407u;
	return p.dice >> 33;
}

/* ---- one disk ---- */

static void
check_in_child(const char *dir, size_t at, int fd)
{
	char why[512] = "";
	bool ok;

	(void)alarm(60);
	if (chdir(dir) != 0)
		_exit(2);
	ok = life_check(p.life, dir, at, why, sizeof(why));
	if (!ok && write(fd, why, strlen(why)) < 0)
		_exit(2);
	_exit(ok ? 0 : 1);
}

static void
check(struct disk *d, size_t at, const char *how)
{
	char dir[KITH_TEST_PATH], why[512] = "it crashes";
	struct kith_id id = disk_hash(d), key;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	kith_hash2(KITH_L_OBJECT, kith_slice_of(id.b, sizeof(id.b)), kith_slice_of(&at, sizeof(at)), &key);
	if (kith_map_get(p.seen, kith_slice_of(key.b, sizeof(key.b))) != NULL)
		return;
	must(kith_map_put(p.seen, kith_slice_of(key.b, sizeof(key.b)), p.life, NULL) == KITH_OK);
	(void)snprintf(dir, sizeof(dir), "%.400s/disk", p.dir);
	must(mkdir(dir, 0700) == 0 && pipe(fds) == 0);
	disk_write(d, dir);
	(void)fflush(NULL);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		check_in_child(dir, at, fds[1]);
	}
	close(fds[1]);
	n = read(fds[0], why, sizeof(why) - 1);
	if (n > 0)
		why[n] = '\0';
	close(fds[0]);
	must(waitpid(pid, &status, 0) == pid);
	p.n++;
	if (status != 0) {
		if (p.wrong++ == 0)
			(void)snprintf(p.first, sizeof(p.first), "state %zu, power gone at %zu of %zu (%s): %.400s", p.n, at, wlog_count(), how, why);
		if (p.verbose)
			printf("# at %zu (%s, %zu undecided): %s\n", at, how, disk_undecided(d), why);
	}
	kith_test_dir_remove(dir);
}

/* ---- one moment ---- */

static bool
enough(void)
{
	return (p.states != 0 && p.n >= p.states) || (p.find && p.wrong > 0);
}

static void
try_bits(struct disk *d, size_t at, const uint8_t *keep, const char *how)
{
	struct disk_choice c = { .kind = DISK_BITS, .keep = keep };

	if (enough())
		return;
	disk_choose(d, &c);
	check(d, at, how);
}

static void
moment(size_t at, bool full)
{
	struct disk *d = disk_new(at);
	size_t n = disk_undecided(d), i;
	struct disk_choice torn = { .kind = DISK_TORN };
	uint8_t *keep = calloc(n + 1, 1);

	must(keep != NULL);
	try_bits(d, at, keep, "nothing of it stayed");
	for (uint32_t bits = 1; full && n <= SMALL && bits < UINT32_C(1) << n; bits++) {
		for (i = 0; i < n; i++)
			keep[i] = bits >> i & 1;
		try_bits(d, at, keep, "some of it stayed");
	}
	if (n > SMALL || !full) {
		memset(keep, 1, n);
		try_bits(d, at, keep, "all of it stayed");
		for (i = 0; n > 0 && i < (full ? DRAWN : 1); i++) {
			memset(keep, 1, n);
			keep[draw() % n] = 0;
			try_bits(d, at, keep, "one piece was lost");
			memset(keep, 0, n);
			keep[draw() % n] = 1;
			try_bits(d, at, keep, "one piece stayed");
			for (size_t k = 0; k < n; k++)
				keep[k] = draw() & 1;
			try_bits(d, at, keep, "half of it stayed");
		}
	}
	for (i = 0; n > 0 && i < (full ? DRAWN : 2) && !enough(); i++) {
		torn.seed = draw();
		torn.sector = i % 2 == 0 ? 512 : 4096;
		torn.percent = 10 + (unsigned)(draw() % 9) * 10;
		disk_choose(d, &torn);
		check(d, at, torn.sector == 512 ? "torn between sectors" : "torn between pages");
	}
	p.moments++;
	p.exhausted += full && n <= SMALL;
	free(keep);
	disk_free(d);
}

/* Just before each sync and each write that syncs is done; when something was acknowledged; and the end. */
static size_t
moments(size_t **out)
{
	const size_t *acks;
	size_t n_acks = life_acks(p.life, &acks), n = 0, i, *at = malloc((wlog_count() + n_acks + 1) * sizeof(*at)), other, swap;

	must(at != NULL);
	for (i = 0; i < wlog_count(); i++)
		if (wlog_op(i)->kind == WLOG_SYNC || wlog_op(i)->through)
			at[n++] = i;
	for (i = 0; i < n_acks; i++)
		if (i == 0 || acks[i] != acks[i - 1])
			at[n++] = acks[i];
	at[n++] = wlog_count();
	for (i = n - 1; i > 0; i--) {
		other = draw() % (i + 1);
		swap = at[i];
		at[i] = at[other];
		at[other] = swap;
	}
	*out = at;
	return n;
}

static bool
options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--verbose") == 0)
			p.verbose = true;
		else if (strcmp(argv[i], "--find") == 0)
			p.find = true;
		else if (i + 1 == argc)
			return false;
		else if (strcmp(argv[i], "--states") == 0)
			p.states = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			p.seed = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--rounds") == 0)
			p.rounds = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--plant") == 0)
			p.plant = argv[++i];
		else
			return false;
	}
	if (strcmp(p.plant, "no-sync") == 0)
		env_flags = MDB_NOSYNC;
	else if (strcmp(p.plant, "no-meta-sync") == 0)
		env_flags = MDB_NOMETASYNC;
	else if (strcmp(p.plant, "no-dir-sync") == 0)
		wlog_plant(WLOG_NO_DIR_SYNC);
	return p.plant[0] == '\0' || env_flags != 0 || strcmp(p.plant, "no-dir-sync") == 0 || strcmp(p.plant, "early-ack") == 0;
}

int
main(int argc, char **argv)
{
	char live[KITH_TEST_PATH];
	struct kith_diag d;
	size_t *at, n, i;

	if (!options(argc, argv)) {
		printf("Bail out! usage: powerloss [--states N] [--seed N] [--rounds N] [--plant NAME] [--find] [--verbose]\n");
		return 2;
	}
	if (kith_state_become("nobody", &d) != KITH_OK) {
		printf("Bail out! %s\n", d.text);
		return 2;
	}
	(void)kit_env();
	p.dice = p.seed;
	must((p.seen = kith_map_new()) != NULL);
	(void)kith_test_dir(p.dir);
	(void)kith_test_path(live, p.dir, "live");
	must(mkdir(live, 0700) == 0);
	wlog_begin(live);
	p.life = life_new(live, p.seed, p.rounds, strcmp(p.plant, "early-ack") == 0);
	wlog_end();
	must(chdir("/") == 0);
	if (p.verbose)
		wlog_print(stdout);
	n = moments(&at);
	printf("1..1\n# %zu operations on the disk, %zu moments\n", wlog_count(), n);
	for (i = 0; i < n && !enough(); i++)
		moment(at[i], p.states == 0 || p.states > 4 * n);
	for (i = 0; i < n && !enough(); i++)
		moment(at[i], true);
	printf("# %zu states of the disk after a power loss at %zu moments, %zu of them gone through in full\n", p.n, p.moments, p.exhausted);
	if (p.wrong > 0)
		printf("# %zu were wrong; the first: %s\n", p.wrong, p.first);
	printf("%s 1 - whenever the power goes, what was acknowledged is there and nothing is half there\n", p.wrong == 0 ? "ok" : "not ok");
	free(at);
	life_free(p.life);
	kith_map_free(p.seen, NULL);
	wlog_free();
	kith_test_dir_remove(p.dir);
	return p.wrong == 0 ? 0 : 1;
}
