/*
 * Threads of the worker that have nothing to do with its launches: they map, touch and unmap memory, as every program's
 * threads do, and remember the longest time that one such turn took. A fork holds the lock of the address space, and they
 * wait. What the machine itself does to them is seen by the same turns for the same time without launches.
 */
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAPPED ((size_t)64 << 10)
#define LONGEST_CONTROL 2000000000 /* ns */

enum phase { WHILE_LAUNCHING, WHILE_NOTHING, OVER, PHASES };

static struct bystander {
	pthread_t thread;
	int64_t longest[PHASES];
} *bystanders;
static size_t count;
static atomic_int phase;

static bool one_turn(size_t page)
{
	volatile char *memory = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false; /* such as under a commit limit; the next turn tries again */
	for (size_t at = 0; at < MAPPED; at += page)
		memory[at] = 1;
	munmap((void *)(uintptr_t)memory, MAPPED);
	return true;
}

static void *stand_by(void *argument)
{
	struct bystander *self = argument;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int now_in;

	while ((now_in = atomic_load(&phase)) != OVER) {
		int64_t begun = now();

		if (!one_turn(page))
			continue;
		int64_t took = now() - begun;
		if (took > self->longest[now_in])
			self->longest[now_in] = took;
	}
	return NULL;
}

void bystanders_start(size_t wanted)
{
	sigset_t all, usual;

	if (wanted == 0)
		return;
	bystanders = calloc(wanted, sizeof *bystanders);
	if (!bystanders)
		refuse("failed", ENOMEM, "no memory for %zu bystanders", wanted);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &usual); /* the launching thread's signals are not theirs */
	for (; count < wanted; count++) {
		int error = pthread_create(&bystanders[count].thread, NULL, stand_by, &bystanders[count]);

		if (error != 0)
			refuse("failed", error, "%zu of %zu bystanders could be started", count, wanted);
	}
	pthread_sigmask(SIG_SETMASK, &usual, NULL);
}

static int64_t longest(enum phase in)
{
	int64_t most = 0;

	for (size_t i = 0; i < count; i++)
		if (bystanders[i].longest[in] > most)
			most = bystanders[i].longest[in];
	return most;
}

/* Watches them for as long again without launches, and ends them. Stalls in ns. */
void bystanders_end(int64_t launching, int64_t *stall, int64_t *control)
{
	*stall = *control = 0;
	if (count == 0)
		return;
	int64_t time = launching < LONGEST_CONTROL ? launching : LONGEST_CONTROL;
	struct timespec pause = {.tv_sec = time / 1000000000, .tv_nsec = time % 1000000000};

	atomic_store(&phase, WHILE_NOTHING);
	while (nanosleep(&pause, &pause) != 0 && errno == EINTR)
		;
	atomic_store(&phase, OVER);
	for (size_t i = 0; i < count; i++)
		pthread_join(bystanders[i].thread, NULL);
	*stall = longest(WHILE_LAUNCHING);
	*control = longest(WHILE_NOTHING);
	free(bystanders);
	bystanders = NULL;
	count = 0;
}
