#ifndef KITH_TESTS_CRASH_WLOG_H
#define KITH_TESTS_CRASH_WLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Everything this process does to what lies below one directory, in order: a log
 * of writes between the program and its disk. The program is linked with
 * wlog.c, whose functions stand before those of libc, for itself and for the
 * libraries it uses. Nothing is really synced: a sync is noted, that is all, and
 * disk.h works out what it was good for.
 */
enum wlog_kind {
	WLOG_WRITE,     /* file, at, bytes[n] */
	WLOG_RESIZE,    /* file, at: it is so long now */
	WLOG_SYNC,      /* file */
	WLOG_NAME,      /* dir, name -> file: made, linked or made as a directory */
	WLOG_UNNAME,    /* dir, name */
	WLOG_MOVE,      /* dir, name -> dir2, name2; file */
};
struct wlog_op {
	enum wlog_kind kind;
	unsigned file, dir, dir2;       /* files and directories are numbered as they appear; 0 is the directory above all */
	char *name, *name2;
	uint64_t at;
	size_t n;
	uint8_t *bytes;
	bool through;                   /* written through a descriptor that syncs each write */
	bool is_dir;
};

/* From now on. The directory is there and empty. */
void wlog_begin(const char *dir);
void wlog_end(void);
size_t wlog_count(void);
const struct wlog_op *wlog_op(size_t i);
unsigned wlog_files(void);              /* numbers given so far */
void wlog_free(void);
void wlog_print(FILE *to);             /* a line for each */

/* Planted: what disks and programs do that do not keep their word. */
enum wlog_plant { WLOG_HONEST, WLOG_NO_SYNC, WLOG_NO_THROUGH, WLOG_NO_DIR_SYNC };
void wlog_plant(enum wlog_plant p);

#endif
