/* localtime_r() takes the lock of the time zone. */
#include "../host/held_lock.h"

#include <time.h>

static void call(void)
{
	static const time_t moment = 1000000000;
	struct tm broken_down;

	localtime_r(&moment, &broken_down);
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
	.name = "lock_localtime",
	.summary = "another thread is in localtime_r() during the launch, and the child calls it before it execs",
	.source = "signal-safety(7): localtime_r() is not async-signal-safe; glibc time/tzset.c, tzset_lock",
	.mitigations = (const char *const[]){"call_before", NULL},
	.oracle = oracle,
	.trial = trial,
);
