/* malloc() takes the lock of an arena. A counter-example: the C library takes it around the fork. */
#include "../host/held_lock.h"

#include <malloc.h>
#include <stdlib.h>

static void call(void)
{
	/* Too large for the cache that a thread has for itself, too small for a mapping of its own. */
	void *volatile memory = malloc(100000);

	free(memory);
}

static const struct lock lock = {.owner = LOCK_MENDED, .call = call};

static void trial(struct trial *trial)
{
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, 1); /* one lock for all threads, as with many threads and few processors */
#endif
	held_lock_trial(trial, &lock);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	return held_lock_oracle(strategy, mitigation, LOCK_MENDED);
}

LAUNCHBENCH_HAZARD(
	.name = "lock_malloc",
	.summary = "another thread is in malloc() during the launch, and the child calls it before it execs: it may",
	.source = "glibc malloc/arena.c, __malloc_fork_lock_parent(); musl src/process/fork.c",
	.mitigations = (const char *const[]){"call_before", NULL},
	.oracle = oracle,
	.trial = trial,
);
