/*
 * A filter that was written before there was clone3() and answers EPERM to what it does not know, as old container runtimes
 * have it. A library that would have taken clone() for ENOSYS believes that it is forbidden.
 */
#include "../host/refusal.h"

#include <errno.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#include <stdlib.h>
#endif

static void trial(struct trial *trial)
{
	int error = mitigated_by(trial, "enosys") ? ENOSYS : EPERM;
	struct command probe = trial_probe(trial);

	trial_prepare(trial, &probe, 1, NULL);
	refuse_clone3(error);
	launch_refused(trial, error);
}

/* glibc's posix_spawn() since 2.34 (sysdeps/unix/sysv/linux/clone-internal.c); musl's is clone(). */
static bool library_takes_clone3(void)
{
#ifdef __GLIBC__
	return strtod(gnu_get_libc_version(), NULL) >= 2.34;
#else
	return false;
#endif
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool of_library = !(strategy->traits & RUNS_CHILD_SIDE) && !(strategy->claims & BEHIND_A_HELPER);

	if (strategy->claims & BEHIND_A_HELPER)
		return (struct oracle){NEVER_POSSIBLE, "the helper was forked before there was a filter"};
	if (strategy->claims & NEEDS_CLONE3)
		return (struct oracle){ALWAYS, NULL};
	return (struct oracle){of_library && library_takes_clone3() && !mitigation ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "filter_clone3",
	.summary = "a seccomp filter that does not know clone3() answers EPERM: posix_spawn() fails where ENOSYS would do",
	.source = "glibc sysdeps/unix/sysv/linux/clone-internal.c: clone() after ENOSYS only; moby issue 42680",
	.mitigations = (const char *const[]){"enosys", NULL},
	.oracle = oracle,
	.trial = trial,
);
