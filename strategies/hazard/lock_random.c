/* random() takes the lock of its state. */
#include "../host/held_lock.h"

#include <stdlib.h>

static void call(void)
{
	for (int i = 0; i < 100; i++)
		random();
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
	.name = "lock_random",
	.summary = "another thread is in random() during the launch, and the child calls it before it execs",
	.source = "signal-safety(7): random() is not async-signal-safe; glibc stdlib/random.c, lock",
	.mitigations = (const char *const[]){"call_before", NULL},
	.oracle = oracle,
	.trial = trial,
);
