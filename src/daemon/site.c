#include "daemon/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACK_MAX (64u << 20)
#define FILES_MAX 4096u
#define HEAD 12u
#define ENTRY 12u

struct entry {
	struct kith_slice path, bytes;
	const char *type;
	enum kith_site_encoding encoding;
};

struct kith_site {
	void *map;                      /* NULL: linked in */
	size_t n_map, n;
	struct entry entry[];
};

static int
entry_cmp(struct kith_slice path, int encoding, const struct entry *e)
{
	int d = kith_slice_cmp(path, e->path);

	return d != 0 ? d : encoding - (int)e->encoding;
}

static int
parse(struct kith_slice all, struct kith_site **out)
{
	struct kith_site *s;
	uint32_t n;
	size_t at = HEAD;

	if (all.n < HEAD || memcmp(all.p, "KITHWEB1", 8) != 0)
		return KITH_E_MALFORMED;
	n = kith_get_be32(all.p + 8);
	if (n == 0 || n > FILES_MAX)
		return KITH_E_MALFORMED;
	s = calloc(1, sizeof(*s) + n * sizeof(s->entry[0]));
	if (s == NULL)
		return KITH_E_NOMEM;
	for (; s->n < n; s->n++) {
		struct entry *e = &s->entry[s->n];
		const uint8_t *p = all.p + at;
		uint32_t off, len;
		size_t n_names;

		if (all.n - at < ENTRY)
			break;
		n_names = (size_t)p[1] + p[2];
		off = kith_get_be32(p + 4);
		len = kith_get_be32(p + 8);
		if (p[0] >= KITH_SITE_ENCODINGS_ || p[1] == 0 || p[2] == 0 || all.n - at - ENTRY < n_names || p[ENTRY + n_names - 1] != 0 ||
		    off > all.n || len > all.n - off)
			break;
		e->encoding = (enum kith_site_encoding)p[0];
		e->path = kith_slice_of(p + ENTRY, p[1]);
		e->type = (const char *)p + ENTRY + p[1];
		e->bytes = kith_slice_of(all.p + off, len);
		if (s->n > 0 && entry_cmp(e->path, (int)e->encoding, e - 1) <= 0)
			break;
		at += ENTRY + n_names;
	}
	if (s->n < n) {
		free(s);
		return KITH_E_MALFORMED;
	}
	*out = s;
	return KITH_OK;
}

static int
map_file(const char *root, void **map, size_t *n, struct kith_diag *diag)
{
	char path[4096];
	struct stat st;
	int fd, r = KITH_E_IO;

	if ((size_t)snprintf(path, sizeof(path), "%s/web.pack", root) >= sizeof(path)) {
		kith_diag_set(diag, "the path web_root is too long");
		return KITH_E_LIMIT;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		kith_diag_set(diag, "cannot read %s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > (off_t)PACK_MAX) {
		kith_diag_set(diag, "%s is no archive of a web client", path);
		r = KITH_E_MALFORMED;
	} else {
		*n = (size_t)st.st_size;
		*map = mmap(NULL, *n, PROT_READ, MAP_PRIVATE, fd, 0);
		if (*map != MAP_FAILED)
			r = KITH_OK;
		else
			kith_diag_set(diag, "cannot map %s: %s", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return r;
}

int
kith_site_open(const char *root, struct kith_site **out, struct kith_diag *diag)
{
	struct kith_slice all = kith_site_linked();
	void *map = NULL;
	size_t n = 0;
	int r;

	*out = NULL;
	if (root != NULL) {
		r = map_file(root, &map, &n, diag);
		if (r != KITH_OK)
			return r;
		all = kith_slice_of(map, n);
	}
	if (all.n == 0)
		return KITH_OK;
	r = parse(all, out);
	if (r == KITH_OK) {
		(*out)->map = map;
		(*out)->n_map = n;
		return KITH_OK;
	}
	kith_diag_set(diag, r == KITH_E_NOMEM ? "out of memory" : "the archive of the web client is damaged");
	if (map != NULL)
		munmap(map, n);
	return r;
}

void
kith_site_free(struct kith_site *s)
{
	if (s == NULL)
		return;
	if (s->map != NULL)
		munmap(s->map, s->n_map);
	free(s);
}

/* "br, gzip;q=0.5": is this one named, and not with q=0? */
static bool
accepts(struct kith_slice accept, const char *name)
{
	size_t at = 0, len = strlen(name);

	while (at < accept.n) {
		size_t end = at, q;

		while (end < accept.n && accept.p[end] != ',')
			end++;
		while (at < end && (accept.p[at] == ' ' || accept.p[at] == '\t'))
			at++;
		if (end - at >= len && memcmp(accept.p + at, name, len) == 0) {
			q = at + len;
			while (q < end && (accept.p[q] == ' ' || accept.p[q] == ';'))
				q++;
			if (q == end)
				return true;
			if (q > at + len && end - q >= 3 && memcmp(accept.p + q, "q=", 2) == 0) {
				for (q += 2; q < end; q++)
					if (accept.p[q] >= '1' && accept.p[q] <= '9')
						return true;
				return false;
			}
		}
		at = end + 1;
	}
	return false;
}

static const struct entry *
find(const struct kith_site *s, struct kith_slice path, enum kith_site_encoding encoding)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = entry_cmp(path, (int)encoding, &s->entry[mid]);

		if (d == 0)
			return &s->entry[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

bool
kith_site_find(const struct kith_site *s, struct kith_slice path, struct kith_slice accept, struct kith_site_file *out)
{
	static const struct { enum kith_site_encoding encoding; const char *name; } better[] = {
		{ KITH_SITE_BR, "br" }, { KITH_SITE_GZIP, "gzip" },
	};
	static const char hashed[] = "/a/";
	const struct entry *e = NULL;

	for (size_t i = 0; e == NULL && i < sizeof(better) / sizeof(better[0]); i++)
		if (accepts(accept, better[i].name))
			e = find(s, path, better[i].encoding);
	if (e == NULL)
		e = find(s, path, KITH_SITE_PLAIN);
	if (e == NULL)
		return false;
	*out = (struct kith_site_file){ .bytes = e->bytes, .type = e->type, .encoding = e->encoding };
	out->for_ever = path.n > sizeof(hashed) - 1 && memcmp(path.p, hashed, sizeof(hashed) - 1) == 0;
	return true;
}

bool
kith_site_is_place(struct kith_slice path)
{
	static const char *const first[] = { "g", "w", "dm", "invite", "home", "friends", "me", "settings", "login", "register", "recover", NULL };
	size_t n = 1;

	if (path.n == 0 || path.p[0] != '/')
		return false;
	if (path.n == 1)
		return true;
	while (n < path.n && path.p[n] != '/')
		n++;
	for (size_t i = 0; first[i] != NULL; i++)
		if (kith_slice_is(kith_slice_of(path.p + 1, n - 1), first[i]))
			return true;
	return false;
}
