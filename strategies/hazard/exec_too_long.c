/* An argument longer than the kernel takes: E2BIG. popen() of glibc tells ENOMEM for whatever its posix_spawn() failed with. */
#include "../host/exec_error.h"

#include <errno.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#include <stdlib.h>
#endif

static void trial(struct trial *trial)
{
	exec_error_trial(trial, E2BIG);
}

/* popen() of glibc forked before 2.29, and its child said 127. */
static bool popen_spawns(void)
{
#ifdef __GLIBC__
	return strtod(gnu_get_libc_version(), NULL) >= 2.29;
#else
	return false;
#endif
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	(void)mitigation;
	return (struct oracle){(strategy->claims & TELLS_ENOMEM) && popen_spawns() ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "exec_too_long",
	.summary = "an argument is longer than the kernel takes (E2BIG), and the caller is told ENOMEM",
	.source = "execve(2), E2BIG; glibc libio/iopopen.c, _IO_new_proc_open()",
	.oracle = oracle,
	.trial = trial,
);
