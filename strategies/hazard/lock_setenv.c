/* setenv() takes the lock of the environment. */
#include "../host/held_lock.h"

#include <stdlib.h>

static const char *supported(void)
{
#ifdef __GLIBC__
	return NULL;
#else
	return "the setenv() of this libc takes no lock, and is not for threads";
#endif
}

static void call(void)
{
	setenv("LAUNCHBENCH_HAZARD", "lock", 1);
}

static const struct lock lock = {.owner = LOCK_OF_GLIBC, .call = call};

static void trial(struct trial *trial)
{
	held_lock_trial(trial, &lock);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	return held_lock_oracle(strategy, mitigation, LOCK_OF_GLIBC);
}

LAUNCHBENCH_HAZARD(
	.name = "lock_setenv",
	.summary = "another thread is in setenv() during the launch, and the child calls it before it execs",
	.source = "signal-safety(7): setenv() is not async-signal-safe; glibc stdlib/setenv.c, envlock",
	.mitigations = (const char *const[]){"call_before", NULL},
	.supported = supported,
	.oracle = oracle,
	.trial = trial,
);
