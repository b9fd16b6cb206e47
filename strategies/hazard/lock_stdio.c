/* fprintf() holds the lock of its stream over the write. A counter-example: glibc makes it new in the child. */
#include "../host/held_lock.h"

#include <stdio.h>

#ifdef __GLIBC__
#define OWNER LOCK_MENDED
#else
#define OWNER LOCK_OF_PROGRAM /* musl takes the list of streams around the fork, and not each stream's lock */
#endif

static FILE *file;

static void call(void)
{
	fprintf(file, "launchbench");
}

static const struct lock lock = {.owner = OWNER, .call = call};

static void trial(struct trial *trial)
{
	file = fopen("/dev/null", "we");
	if (!file)
		trial_not_made("no stream for /dev/null");
	setvbuf(file, NULL, _IONBF, 0); /* the lock is held over the write */
	held_lock_trial(trial, &lock);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	return held_lock_oracle(strategy, mitigation, OWNER);
}

LAUNCHBENCH_HAZARD(
	.name = "lock_stdio",
	.summary = "another thread is in fprintf() during the launch, and the child calls it on the same stream: it may",
	.source = "glibc posix/fork.c, _IO_reset_locks(); musl src/process/fork.c has nothing like it",
	.mitigations = (const char *const[]){"call_before", NULL},
	.oracle = oracle,
	.trial = trial,
);
