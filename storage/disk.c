#include "storage/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define FUSE_MAGIC 0x65735546u

const char *
kith_disk_fs_refused(uint64_t magic)
{
	static const struct {
		uint32_t magic;
		const char *name;
	} kinds[] = {
		{ 0x6969, "NFS" },
		{ 0x517b, "SMB" },
		{ 0xff534d42, "CIFS" },
		{ 0xfe534d42, "SMB2" },
		{ 0x564c, "NCP" },
		{ 0x01021997, "9P" },
		{ 0x786f4256, "a VirtualBox shared folder" },
		{ 0x00c36400, "Ceph" },
		{ 0x5346414f, "AFS" },
		{ 0x6b414653, "AFS" },
		{ 0x73757245, "Coda" },
		{ 0x0bd00bd0, "Lustre" },
		{ 0x47504653, "GPFS" },
		{ 0x01161970, "GFS2" },
		{ 0x7461636f, "OCFS2" },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].magic == (uint32_t)magic)
			return kinds[i].name;
	return NULL;
}

bool
kith_disk_fuse_local(FILE *mountinfo, unsigned maj, unsigned min, char *name, size_t n_name)
{
	static const char *const local[] = { "fuseblk", "fuse.fuse-overlayfs" };
	char line[4096], type[64], device[32];
	const char *sep;
	char *field;
	size_t i;

	(void)snprintf(name, n_name, "an unknown FUSE file system");
	(void)snprintf(device, sizeof(device), " %u:%u ", maj, min);
	while (fgets(line, sizeof(line), mountinfo) != NULL) {
		field = strchr(line, ' ');
		field = field == NULL ? NULL : strchr(field + 1, ' ');
		if (field == NULL || strncmp(field, device, strlen(device)) != 0)
			continue;
		sep = strstr(line, " - ");
		if (sep == NULL || sscanf(sep + 3, "%63s", type) != 1)
			continue;
		(void)snprintf(name, n_name, "%s", type);
		for (i = 0; i < sizeof(local) / sizeof(local[0]); i++)
			if (strcmp(type, local[i]) == 0)
				return true;
		return false;
	}
	return false;
}

static bool
fuse_refused(const char *dir, char *name, size_t n_name)
{
	struct stat st;
	bool local = false;
	FILE *f;

	(void)snprintf(name, n_name, "an unknown FUSE file system");
	if (stat(dir, &st) != 0)
		return true;
	f = fopen("/proc/self/mountinfo", "re");
	if (f != NULL) {
		local = kith_disk_fuse_local(f, major(st.st_dev), minor(st.st_dev), name, n_name);
		(void)fclose(f);
	}
	return !local;
}

int
kith_disk_check(const char *dir, struct kith_diag *diag)
{
	struct statfs fs;
	const char *name;
	char fuse[80];

	if (statfs(dir, &fs) != 0) {
		kith_diag_set(diag, "cannot look at the file system of %s: %s", dir, strerror(errno));
		return KITH_E_IO;
	}
	name = kith_disk_fs_refused((uint64_t)fs.f_type);
	if (name == NULL && (uint32_t)fs.f_type == FUSE_MAGIC && fuse_refused(dir, fuse, sizeof(fuse)))
		name = fuse;
	if (name == NULL)
		return KITH_OK;
	kith_diag_set(diag, "%s lies on %s; the store needs a local disk, since only there a lock and a sync mean what they say",
	    dir, name);
	return KITH_E_DENIED;
}

int
kith_disk_room(const char *dir, uint64_t limit, uint64_t file_len, uint64_t *total, uint64_t *free)
{
	struct statvfs fs;
	struct rlimit rl;
	uint64_t unit, left;

	if (limit != 0) {
		*total = limit;
		*free = file_len < limit ? limit - file_len : 0;
		return KITH_OK;
	}
	if (statvfs(dir, &fs) != 0)
		return KITH_E_IO;
	unit = fs.f_frsize != 0 ? fs.f_frsize : fs.f_bsize;
	*total = (uint64_t)fs.f_blocks * unit;
	*free = (uint64_t)fs.f_bavail * unit;
	if (getrlimit(RLIMIT_FSIZE, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY) {
		left = file_len < rl.rlim_cur ? (uint64_t)rl.rlim_cur - file_len : 0;
		if (left < *free)
			*free = left;
	}
	return KITH_OK;
}

enum kith_space_level
kith_space_level(uint64_t total, uint64_t free)
{
	uint64_t percent = total / 100;

	if (free < (percent * 5 < GIB ? percent * 5 : GIB))
		return KITH_SPACE_READ_ONLY;
	if (free < percent * 7)
		return KITH_SPACE_NO_MEDIA;
	return free < percent * 10 ? KITH_SPACE_WARN : KITH_SPACE_OK;
}

/* dir/name, malloced. */
static char *
path_in(const char *dir, const char *name)
{
	size_t n = strlen(dir) + 1 + strlen(name) + 1;
	char *p = malloc(n);

	if (p != NULL)
		(void)snprintf(p, n, "%s/%s", dir, name);
	return p;
}

int
kith_disk_ballast(const char *dir, uint64_t total)
{
	uint64_t want = total / 100 < 64 * MIB ? total / 100 : 64 * MIB;
	char *path = path_in(dir, "ballast");
	int fd, err, r = KITH_OK;

	if (path == NULL)
		return KITH_E_NOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = errno == EEXIST ? KITH_OK : errno == ENOSPC || errno == EDQUOT ? KITH_E_FULL : KITH_E_IO;
		goto done;
	}
	err = want > 0 ? posix_fallocate(fd, 0, (off_t)want) : 0;
	if (err != 0) {
		r = err == ENOSPC || err == EDQUOT || err == EFBIG ? KITH_E_FULL : KITH_E_IO;
		(void)unlink(path);
	}
	(void)close(fd);
done:
	free(path);
	return r;
}

int
kith_disk_sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return KITH_E_IO;
	r = fsync(fd) == 0 ? KITH_OK : KITH_E_IO;
	(void)close(fd);
	return r;
}
