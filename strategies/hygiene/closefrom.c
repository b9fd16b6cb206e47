/*
 * closefrom(), the library's: close_range(), and /proc/self/fd on kernels without it (glibc 2.34). posix_spawn() does the
 * same when asked with posix_spawn_file_actions_addclosefrom_np().
 */
#include "../host/host.h"

#include <errno.h>
#include <unistd.h>

#define FIRST 3

#ifdef __GLIBC__
#define HAS_CLOSEFROM __GLIBC_PREREQ(2, 34)
#else
#define HAS_CLOSEFROM 0
#endif

static const char *supported(void)
{
	return HAS_CLOSEFROM ? NULL : "the libc has no closefrom() (glibc 2.34)";
}

/* A library call on the child's side: it allocates nothing, and writes errno only where it fails. */
static void child(void)
{
#if HAS_CLOSEFROM
	closefrom(FIRST);
#endif
}

static int spawn(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
	(void)attributes;
#if HAS_CLOSEFROM
	return posix_spawn_file_actions_addclosefrom_np(actions, FIRST);
#else
	(void)actions;
	return ENOSYS;
#endif
}

LAUNCHBENCH_HYGIENE(
	.name = "closefrom",
	.summary = "closefrom(3) in the child; posix_spawn() is asked for the same",
	.promises = NO_DESCRIPTORS,
	.supported = supported,
	.child = child,
	.spawn = spawn,
);
