/*
 * /proc/self/fd, read with getdents64(): what is open is closed, and nothing else is tried. opendir() would allocate, which
 * a child between fork and exec must not do. The directory is ordered by number and its position is one, so closing while
 * reading misses nothing (fs/proc/fd.c, proc_readfd_common).
 */
#include "../host/host.h"
#include "../host/raw_call.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST 3

/* struct linux_dirent64, getdents64(2). */
struct entry {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

static long number_of(const char *name)
{
	long number = 0;

	if (*name < '0' || *name > '9')
		return -1; /* . and .. */
	for (; *name; name++)
		number = number * 10 + (*name - '0');
	return number;
}

static void child(void)
{
	char buffer[2048] __attribute__((aligned(8)));
	long folder = raw_call4(SYS_openat, AT_FDCWD, (long)"/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long length;

	if (folder < 0)
		return;
	while ((length = raw_call(SYS_getdents64, folder, (long)buffer, sizeof buffer)) > 0)
		for (long at = 0; at < length;) {
			const struct entry *entry = (const struct entry *)(buffer + at);
			long fd = number_of(entry->name);

			if (fd >= FIRST && fd != folder)
				raw_call(SYS_close, fd, 0, 0);
			at += entry->length;
		}
	raw_call(SYS_close, folder, 0, 0);
}

static const char *supported(void)
{
	return access("/proc/self/fd", R_OK | X_OK) == 0 ? NULL : "/proc is not mounted";
}

LAUNCHBENCH_HYGIENE(
	.name = "close_proc_fd",
	.summary = "close() of what /proc/self/fd shows, in the child",
	.promises = NO_DESCRIPTORS,
	.supported = supported,
	.child = child,
);
