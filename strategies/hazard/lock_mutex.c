/* An application's own mutex, which the child of a fork finds locked by a thread that it has not got. */
#include "../host/held_lock.h"

#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int guarded;

static void call(void)
{
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < 100; i++)
		guarded++;
	pthread_mutex_unlock(&mutex);
}

static const struct lock the_lock = {.owner = LOCK_OF_PROGRAM, .call = call};

static void lock(void)
{
	pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

static void trial(struct trial *trial)
{
	/* The fork waits for the lock, and both sides give it back. vfork() and posix_spawn() call no such handlers. */
	if (mitigated_by(trial, "atfork"))
		pthread_atfork(lock, unlock, unlock);
	held_lock_trial(trial, &the_lock);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	return held_lock_oracle(strategy, mitigation, LOCK_OF_PROGRAM);
}

LAUNCHBENCH_HAZARD(
	.name = "lock_mutex",
	.summary = "another thread holds the program's mutex during the launch, and the child takes it before it execs",
	.source = "POSIX.1-2017, fork(): a process with one thread, and the state of mutexes as it was; pthread_atfork(3)",
	.mitigations = (const char *const[]){"atfork", "call_before", NULL},
	.oracle = oracle,
	.trial = trial,
);
