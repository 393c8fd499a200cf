/*
 * Stands in for libFuzzer where there is none: runs LLVMFuzzerTestOneInput on
 * every file of the target's corpus, then on cut and damaged copies of each.
 * With arguments it replays those files as they are and nothing more.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
/* How many damaged copies a slow target takes of its whole corpus; the others take DAMAGED_MAX cut and as many changed of each file. */
extern const size_t kith_fuzz_damaged __attribute__((weak));

enum { FILE_MAX = 4 << 20, DAMAGED_MAX = 256 };

static uint64_t rnd_state = 0x9e3779b97f4a7c15u;

static uint64_t
rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

/* A copy of its own for each run, so that one byte too far is seen. */
static void
run(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL)
		abort();
	if (n > 0)
		memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void
run_damaged(uint8_t *data, size_t n, size_t most)
{
	size_t step = n / most + 1, i;

	for (i = 0; i < n; i += step)
		run(data, i);
	for (i = 0; n > 0 && i < most; i++) {
		size_t at = (size_t)(rnd() % n);
		uint8_t was = data[at];

		data[at] = (uint8_t)((i & 1) != 0 ? rnd() : was ^ (UINT64_C(1) << (rnd() & 7)));
		run(data, n);
		data[at] = was;
	}
}

static int
run_file(const char *path, size_t damaged)
{
	uint8_t *data = malloc(FILE_MAX);
	FILE *f = fopen(path, "rb");
	size_t n;

	if (data == NULL || f == NULL) {
		printf("# cannot read %s\n", path);
		free(data);
		if (f != NULL)
			fclose(f);
		return -1;
	}
	n = fread(data, 1, FILE_MAX, f);
	fclose(f);
	run(data, n);
	if (damaged > 0)
		run_damaged(data, n, damaged);
	free(data);
	return 0;
}

static int
run_corpus(const char *name)
{
	const char *top = getenv("KITH_SRCDIR");
	char dir[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **list = NULL;
	size_t damaged = DAMAGED_MAX;
	int n, i, files = 0;

	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", top != NULL ? top : ".", name);
	printf("1..1\n");
	fflush(stdout);
	run((const uint8_t *)"", 0);
	n = scandir(dir, &list, NULL, alphasort);
	if (&kith_fuzz_damaged != NULL && n > 0)
		damaged = kith_fuzz_damaged / (2 * (size_t)n) + 1;
	for (i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
			if (getenv("KITH_FUZZ_VERBOSE") != NULL)
				fprintf(stderr, "%s\n", path);
			if (run_file(path, damaged) == 0)
				files++;
		}
		free(list[i]);
	}
	free(list);
	printf("%s 1 - %s takes its corpus of %d files, whole and damaged\n", files > 0 ? "ok" : "not ok",
	    name, files);
	return files > 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	const char *slash;
	int i, r = 0;

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	if (argc < 2) {
		slash = strrchr(argv[0], '/');
		return run_corpus(slash != NULL ? slash + 1 : argv[0]);
	}
	for (i = 1; i < argc; i++)
		if (run_file(argv[i], 0) != 0)
			r = 1;
	return r;
}
