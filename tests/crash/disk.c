#include "tests/crash/disk.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/wlog.h"

struct file {
	uint8_t *p;             /* what has been written; zeros from there to size */
	size_t n, size;
	bool dir;
};
struct name { unsigned dir, file; const char *name; };
struct tree {
	struct file *file;
	unsigned n_files;
	struct name *name;
	size_t n_names;
};
struct disk {
	size_t at, first;       /* the first of the undecided */
	size_t *undecided, n_undecided;
	struct tree base, now;  /* base: everything before `first` */
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* ---- trees ---- */

static void
tree_init(struct tree *t)
{
	*t = (struct tree){ .n_files = wlog_files() };
	must((t->file = calloc(t->n_files + 1, sizeof(*t->file))) != NULL);
	t->file[0].dir = true;
}

static void
tree_fini(struct tree *t)
{
	for (unsigned i = 0; i < t->n_files; i++)
		free(t->file[i].p);
	free(t->file);
	free(t->name);
}

static void
tree_copy(struct tree *to, const struct tree *from)
{
	tree_init(to);
	for (unsigned i = 0; i < from->n_files; i++) {
		to->file[i] = from->file[i];
		if (from->file[i].p == NULL)
			continue;
		must((to->file[i].p = malloc(from->file[i].n + 1)) != NULL);
		memcpy(to->file[i].p, from->file[i].p, from->file[i].n);
	}
	must((to->name = malloc((from->n_names + 1) * sizeof(*to->name))) != NULL);
	if (from->n_names > 0)
		memcpy(to->name, from->name, from->n_names * sizeof(*to->name));
	to->n_names = from->n_names;
}

static void
unname(struct tree *t, unsigned dir, const char *name)
{
	for (size_t i = 0; i < t->n_names; i++) {
		if (t->name[i].dir == dir && strcmp(t->name[i].name, name) == 0) {
			t->name[i] = t->name[--t->n_names];
			return;
		}
	}
}

static void
give_name(struct tree *t, unsigned dir, const char *name, unsigned file)
{
	unname(t, dir, name);
	must((t->name = realloc(t->name, (t->n_names + 1) * sizeof(*t->name))) != NULL);
	t->name[t->n_names++] = (struct name){ dir, file, name };
}

static void
put(struct file *f, uint64_t at, const uint8_t *p, size_t n)
{
	if (at + n > f->n) {
		must((f->p = realloc(f->p, at + n)) != NULL);
		memset(f->p + f->n, 0, at + n - f->n);
		f->n = at + n;
	}
	memcpy(f->p + at, p, n);
	if (f->size < f->n)
		f->size = f->n;
}

static void
resize(struct file *f, uint64_t to)
{
	f->size = to;
	if (f->n > to)
		f->n = to;
}

static void
apply(struct tree *t, const struct wlog_op *o)
{
	switch (o->kind) {
	case WLOG_WRITE: put(&t->file[o->file], o->at, o->bytes, o->n); break;
	case WLOG_RESIZE: resize(&t->file[o->file], o->at); break;
	case WLOG_SYNC: break;
	case WLOG_NAME:
		t->file[o->file].dir = o->is_dir;
		give_name(t, o->dir, o->name, o->file);
		break;
	case WLOG_UNNAME: unname(t, o->dir, o->name); break;
	case WLOG_MOVE:
		unname(t, o->dir, o->name);
		give_name(t, o->dir2, o->name2, o->file);
		break;
	}
}

/* ---- what is certain ---- */

static bool
certain(const struct wlog_op *o, size_t i, size_t at, const size_t *last_sync)
{
	if (i >= at)
		return false;
	switch (o->kind) {
	case WLOG_WRITE: return o->through || last_sync[o->file] > i;
	case WLOG_RESIZE: return last_sync[o->file] > i;
	case WLOG_MOVE: return last_sync[o->dir] > i && last_sync[o->dir2] > i;
	case WLOG_NAME:
	case WLOG_UNNAME: return last_sync[o->dir] > i;
	case WLOG_SYNC: break;
	}
	return true;
}

struct disk *
disk_new(size_t at)
{
	struct disk *d = calloc(1, sizeof(*d));
	size_t *last_sync = calloc(wlog_files() + 1, sizeof(*last_sync)), end = at < wlog_count() ? at + 1 : at, i;

	must(d != NULL && last_sync != NULL);
	d->at = end;
	for (i = 0; i < at; i++)
		if (wlog_op(i)->kind == WLOG_SYNC)
			last_sync[wlog_op(i)->file] = i;
	must((d->undecided = malloc((end + 1) * sizeof(*d->undecided))) != NULL);
	for (i = 0; i < end; i++)
		if (wlog_op(i)->kind != WLOG_SYNC && !certain(wlog_op(i), i, at, last_sync))
			d->undecided[d->n_undecided++] = i;
	d->first = d->n_undecided > 0 ? d->undecided[0] : end;
	tree_init(&d->base);
	for (i = 0; i < d->first; i++)
		apply(&d->base, wlog_op(i));
	free(last_sync);
	return d;
}

void
disk_free(struct disk *d)
{
	if (d == NULL)
		return;
	tree_fini(&d->base);
	tree_fini(&d->now);
	free(d->undecided);
	free(d);
}

size_t
disk_undecided(const struct disk *d)
{
	return d->n_undecided;
}

/* ---- one of the disks ---- */

static uint64_t
draw(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void
tear(struct tree *t, const struct wlog_op *o, const struct disk_choice *c, uint64_t *dice)
{
	size_t done = 0, n;

	if (o->kind != WLOG_WRITE) {
		if (draw(dice) % 100 < c->percent)
			apply(t, o);
		return;
	}
	for (; done < o->n; done += n) {
		n = c->sector - (o->at + done) % c->sector;
		if (n > o->n - done)
			n = o->n - done;
		if (draw(dice) % 100 < c->percent)
			put(&t->file[o->file], o->at + done, o->bytes + done, n);
	}
}

void
disk_choose(struct disk *d, const struct disk_choice *c)
{
	uint64_t dice = c->seed;
	size_t i, k = 0;

	tree_fini(&d->now);
	tree_copy(&d->now, &d->base);
	for (i = d->first; i < d->at; i++) {
		if (k < d->n_undecided && d->undecided[k] == i) {
			if (c->kind == DISK_TORN)
				tear(&d->now, wlog_op(i), c, &dice);
			else if (c->keep[k] != 0)
				apply(&d->now, wlog_op(i));
			k++;
		} else {
			apply(&d->now, wlog_op(i));
		}
	}
}

/* ---- out of it ---- */

static int
by_name(const void *x, const void *y)
{
	const struct name *a = x, *b = y;

	return a->dir != b->dir ? (a->dir < b->dir ? -1 : 1) : strcmp(a->name, b->name);
}

struct kith_id
disk_hash(const struct disk *d)
{
	const struct tree *t = &d->now;
	struct kith_id sum = kith_id_none;

	qsort(t->name, t->n_names, sizeof(*t->name), by_name);
	for (size_t i = 0; i < t->n_names; i++) {
		const struct file *f = &t->file[t->name[i].file];
		struct { uint64_t dir, size; char name[64]; struct kith_id before, content; } one;

		memset(&one, 0, sizeof(one));
		one.dir = t->name[i].dir;
		one.size = f->size;
		(void)snprintf(one.name, sizeof(one.name), "%s", t->name[i].name);
		one.before = sum;
		kith_hash(KITH_L_OBJECT, kith_slice_of(f->p, f->n), &one.content);
		kith_hash(KITH_L_OBJECT, kith_slice_of(&one, sizeof(one)), &sum);
	}
	return sum;
}

static void
write_file(const struct file *f, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;
	ssize_t n;

	must(fd >= 0);
	for (; done < f->n; done += (size_t)n)
		must((n = write(fd, f->p + done, f->n - done)) > 0);
	must(ftruncate(fd, (off_t)f->size) == 0 && close(fd) == 0);
}

static void
write_dir(const struct tree *t, unsigned dir, const char *path)
{
	char at[PATH_MAX];

	for (size_t i = 0; i < t->n_names; i++) {
		if (t->name[i].dir != dir)
			continue;
		must((size_t)snprintf(at, sizeof(at), "%s/%s", path, t->name[i].name) < sizeof(at));
		if (!t->file[t->name[i].file].dir) {
			write_file(&t->file[t->name[i].file], at);
			continue;
		}
		must(mkdir(at, 0700) == 0);
		write_dir(t, t->name[i].file, at);
	}
}

void
disk_write(const struct disk *d, const char *dir)
{
	write_dir(&d->now, 0, dir);
}
