/*
 * closefrom(), the library's: close_range(), and /proc/self/fd on kernels without it (glibc 2.34). posix_spawn() does the
 * same when asked with posix_spawn_file_actions_addclosefrom_np(). Both are looked up when the worker is loaded, so that a
 * worker built against a library without them still runs.
 */
#include "../host/host.h"

#define FIRST 3

extern void closefrom(int lowest) __attribute__((weak));
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest)
	__attribute__((weak));

static const char *supported(void)
{
	return closefrom && posix_spawn_file_actions_addclosefrom_np ? NULL : "the libc has no closefrom() (glibc 2.34)";
}

/* A library call on the child's side: it allocates nothing, and writes errno only where it fails. */
static void child(void)
{
	closefrom(FIRST);
}

static int spawn(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
	(void)attributes;
	return posix_spawn_file_actions_addclosefrom_np(actions, FIRST);
}

LAUNCHBENCH_HYGIENE(
	.name = "closefrom",
	.summary = "closefrom(3) in the child; posix_spawn() is asked for the same",
	.promises = NO_DESCRIPTORS,
	.supported = supported,
	.child = child,
	.spawn = spawn,
);
