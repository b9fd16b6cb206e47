/* pidfd_spawn(): posix_spawn() that gives a descriptor instead of a number (glibc 2.39). */
#include "../host/host.h"
#include "../host/pidfd.h"

#include <spawn.h>

extern int pidfd_spawn(int *pidfd, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);

/*
 * Weak: found when the program starts where libc has it, and NULL elsewhere, so one binary serves every libc. Not where
 * libc is known to have it: what is weak is not taken out of a static library.
 */
#if __GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 39)
#define HAVE_PIDFD_SPAWN true
#else
#pragma weak pidfd_spawn
#define HAVE_PIDFD_SPAWN pidfd_spawn
#endif

static int pidfd = -1;

static const char *supported(void)
{
	return HAVE_PIDFD_SPAWN ? pidfd_supported() : "this libc has no pidfd_spawn (glibc 2.39)";
}

static void launch(struct launch *launch)
{
	int error = pidfd_spawn(&pidfd, launch->command->file, NULL, NULL, launch->command->argv, launch->command->envp);

	if (error != 0)
		host_library_failed(launch, error);
}

static void reap(struct launch *launch)
{
	pidfd_reap(launch, pidfd);
}

LAUNCHBENCH_STRATEGY(
	.name = "pidfd_spawn",
	.summary = "pidfd_spawn(): posix_spawn() that gives a descriptor, waited for with waitid(P_PIDFD)",
	.traits = OWN_REAPER,
	.claims = SUSPENDS | CLEARS_HANDLERS | NEEDS_DESCRIPTOR,
	.memory = MEMORY_SHARED,
	.supported = supported,
	.launch = launch,
	.reap = reap,
);
