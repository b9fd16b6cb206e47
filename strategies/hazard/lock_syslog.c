/* syslog() holds a lock of its own while it writes to the log's socket. */
#include "../host/held_lock.h"

#include <syslog.h>

static void call(void)
{
	/* A priority that is masked out would return before the lock; where no daemon listens, the lock is taken all the same. */
	syslog(LOG_DEBUG | LOG_USER, "launchbench");
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
	.name = "lock_syslog",
	.summary = "another thread is in syslog() during the launch, and the child calls it before it execs",
	.source = "signal-safety(7): syslog() is not async-signal-safe; glibc misc/syslog.c, syslog_lock",
	.mitigations = (const char *const[]){"call_before", NULL},
	.oracle = oracle,
	.trial = trial,
);
