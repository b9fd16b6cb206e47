/*
 * The worker's own writes to its footprint after a launch: what copy-on-write costs the program that launches. While a
 * forked child has the memory, a page is copied; when it has gone, the page only becomes writable again.
 */
#include "internal.h"

#include "raw_call.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile char *start;
static size_t page, stride, pages;
static volatile struct left_behind *holding; /* where a held child says so; NULL: children are not held */

const char *writes_supported(const struct request *request)
{
	const struct strategy *strategy = request->strategy;

	if (request->writes == 0)
		return NULL;
	if (request->burst || request->in_flight > 1)
		return "the worker writes while one command is alive, not many";
	if (request->hold_child && (strategy->memory != MEMORY_COPIED || !(strategy->traits & RUNS_CHILD_SIDE)))
		return "its child cannot be held before the exec: it runs in the worker's memory, or is not the worker's";
	if (request->backing->huge && request->planned > 1)
		return "the first launch's writes split the huge pages: one launch a worker, and no warm-up";
	if (!request->hold_child && (strategy->traits & OWN_REAPER) && !strategy->reap)
		return "it returns when the command has ended: there is no meanwhile";
	return NULL;
}

void writes_prepare(const struct request *request, const struct footprint *footprint)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	start = footprint->start;
	pages = footprint->size / page;
	if (request->writes == 0)
		return;
	if (request->writes > pages)
		refuse("unsupported", 0, "%zu pages of %zu cannot be written", request->writes, pages);
	stride = pages / request->writes;
	if (request->hold_child)
		holding = what_children_leave(0);
}

/* One byte to each of so many pages, evenly over the footprint. The time in ns. */
int64_t write_pages(size_t count)
{
	int64_t begun = now();

	for (size_t i = 0; i < count; i++)
		start[i * stride * page]++;
	return now() - begun;
}

#define GLANCE 10000000 /* ns between two looks at whether there is anything to wait for */

/* The word is in memory that both processes have: a futex of its own would be in neither's. */
static void wait_for(volatile uint32_t *word)
{
	while (*word == 0)
		raw_call4(SYS_futex, (long)word, FUTEX_WAIT, 0, 0);
}

static void raise_word(volatile uint32_t *word)
{
	*word = 1;
	raw_call(SYS_futex, (long)word, FUTEX_WAKE, INT_MAX);
}

/* Child's side. */
void hold_child(void)
{
	if (!holding)
		return;
	raise_word(&holding->held);
	wait_for(&holding->let_go);
}

/* False when there is none so far. */
bool await_held_child(volatile struct left_behind *left)
{
	struct timespec glance = {.tv_nsec = GLANCE};

	if (left->held == 0)
		raw_call4(SYS_futex, (long)&left->held, FUTEX_WAIT, 0, (long)&glance);
	return left->held != 0;
}

void let_child_go(volatile struct left_behind *left)
{
	raise_word(&left->let_go);
}
