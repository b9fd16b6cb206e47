/* setlocale() takes the lock of all locales when it changes one. */
#include "../host/held_lock.h"

#include <locale.h>

static void call(void)
{
	setlocale(LC_NUMERIC, "POSIX"); /* the same names as now would be answered without the lock */
	setlocale(LC_NUMERIC, "C.UTF-8");
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
	.name = "lock_setlocale",
	.summary = "another thread is in setlocale() during the launch, and the child calls it before it execs",
	.source = "signal-safety(7): setlocale() is not async-signal-safe; glibc locale/setlocale.c, __libc_setlocale_lock",
	.mitigations = (const char *const[]){"call_before", NULL},
	.oracle = oracle,
	.trial = trial,
);
