/*
 * The footprint: memory that the worker really holds while it launches. Mapped, touched by every CPU it may use, and
 * then read back from the kernel, for a footprint that is not there makes every number after it a lie.
 */
#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif

#define FILL_STEP ((size_t)32 << 20)
#define MOST_FILLERS 256
#define FILLER_STACK ((size_t)64 << 10)

struct filling {
	char *start;
	size_t size, page;
	bool populate; /* the kernel can populate; else a byte of each page is written */
	_Atomic size_t next;
	_Atomic int error;
	cpu_set_t cpus;
};

static void fill_steps(struct filling *filling)
{
	for (;;) {
		size_t from = atomic_fetch_add(&filling->next, FILL_STEP);

		if (from >= filling->size || atomic_load(&filling->error) != 0)
			return;
		size_t length = filling->size - from < FILL_STEP ? filling->size - from : FILL_STEP;
		if (!filling->populate) {
			for (size_t at = from; at < from + length; at += filling->page)
				((volatile char *)filling->start)[at] = 1;
		} else if (madvise(filling->start + from, length, MADV_POPULATE_WRITE) != 0 && errno != EINTR) {
			atomic_store(&filling->error, errno);
		}
	}
}

/* A filler shares the memory and nothing else, and makes system calls only: it has no TLS of its own. */
static int filler(void *argument)
{
	struct filling *filling = argument;

	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL); /* else it would go on filling for a worker that was killed */
	syscall(SYS_sched_setaffinity, 0, sizeof filling->cpus, &filling->cpus);
	fill_steps(filling);
	syscall(SYS_exit, 0);
	return 0;
}

static int parse_cpus(const char *list, cpu_set_t *set)
{
	char *end;

	CPU_ZERO(set);
	for (const char *p = list; *p; p = *end == ',' ? end + 1 : end) {
		unsigned long cpu = strtoul(p, &end, 10);

		if (end == p || cpu >= CPU_SETSIZE)
			return 1;
		CPU_SET(cpu, set);
	}
	return CPU_COUNT(set);
}

/*
 * Not threads: a process that ever had one is another process to libc (locks in stdio and malloc, and in its fork()),
 * and the launches that follow must not see how the memory was filled. A bare CLONE_VM child leaves no trace.
 */
static int fill(char *start, size_t size, const char *cpus)
{
	struct filling filling = {.start = start, .size = size, .page = (size_t)sysconf(_SC_PAGESIZE)};
	int helpers = parse_cpus(cpus, &filling.cpus) - 1;
	pid_t pids[MOST_FILLERS];
	char *stacks = NULL;
	int started = 0;

	filling.populate = madvise(start, filling.page, MADV_POPULATE_WRITE) == 0;
	if (helpers > 0 && (size_t)helpers > size / FILL_STEP)
		helpers = (int)(size / FILL_STEP);
	if (helpers > MOST_FILLERS)
		helpers = MOST_FILLERS;
	if (helpers > 0) {
		stacks = mmap(NULL, (size_t)helpers * FILLER_STACK, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		if (stacks == MAP_FAILED)
			return errno;
	}
	for (; started < helpers; started++) {
		pids[started] = clone(filler, stacks + (size_t)(started + 1) * FILLER_STACK, CLONE_VM, &filling);
		if (pids[started] < 0)
			break; /* fewer hands; the work is shared out by steps */
	}
	fill_steps(&filling);
	for (int i = 0; i < started; i++)
		while (waitpid(pids[i], NULL, __WCLONE) < 0 && errno == EINTR)
			;
	if (stacks)
		munmap(stacks, (size_t)helpers * FILLER_STACK);
	return atomic_load(&filling.error);
}

/* Sums what /proc/self/smaps says of the mappings that hold [start, start + size). */
static bool inspect(const char *start, size_t size, struct footprint *out)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long from, to, kilobytes;
	bool inside = false;
	char line[512];

	if (!smaps)
		return false;
	while (fgets(line, sizeof line, smaps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2 && strchr(line, '-') < strchr(line, ' ')) {
			inside = from < (unsigned long)start + size && to > (unsigned long)start;
			out->vmas += inside;
			if (inside)
				out->mapped += to - from;
		} else if (inside && sscanf(line, "Rss: %lu kB", &kilobytes) == 1) {
			out->rss += (uint64_t)kilobytes << 10;
		} else if (inside && sscanf(line, "AnonHugePages: %lu kB", &kilobytes) == 1) {
			out->anon_huge += (uint64_t)kilobytes << 10;
		} else if (inside && sscanf(line, "Private_Hugetlb: %lu kB", &kilobytes) == 1) {
			out->hugetlb += (uint64_t)kilobytes << 10; /* not part of Rss */
		}
	}
	fclose(smaps);

	FILE *status = fopen("/proc/self/status", "re");
	if (!status)
		return false;
	while (fgets(line, sizeof line, status))
		if (sscanf(line, "VmPTE: %lu kB", &kilobytes) == 1)
			out->page_tables = (uint64_t)kilobytes << 10;
	fclose(status);
	return true;
}

/* Ends the worker with a reason when the footprint is not what was asked for. */
static void verify(const struct request *request, size_t size, const struct footprint *found)
{
	const struct backing *backing = request->backing;
	uint64_t resident = backing->hugetlb ? found->hugetlb : found->rss;

	if (found->vmas != request->vmas)
		refuse("not_allocatable", 0, "the footprint lies in %llu mappings instead of %zu",
		       (unsigned long long)found->vmas, request->vmas);
	if (backing->touched ? resident < size : resident != 0)
		refuse("not_allocatable", 0, "%llu of %zu bytes are resident", (unsigned long long)resident,
		       backing->touched ? size : (size_t)0);
	/* What the kernel found no huge page for is a base page; a tenth of them makes another footprint. */
	if (backing->huge ? found->anon_huge < size / 10 * 9 : found->anon_huge != 0)
		refuse("not_allocatable", 0, "%llu of %zu bytes came as huge pages", (unsigned long long)found->anon_huge,
		       backing->huge ? size : (size_t)0);
}

/* False: refused, and errno says by whom. */
bool map_footprint(const struct request *request, struct footprint *out)
{
	const struct backing *backing = request->backing;
	size_t unit = backing->unit ? backing->unit : 1;
	size_t size = (request->footprint + unit - 1) / unit * unit;
	int64_t begun = now();
	char *start = backing->map(size);

	*out = (struct footprint){.start = start, .size = size};
	if (start == MAP_FAILED || !cut(start, size, request->vmas))
		return false;
	if (backing->touched) {
		int error = fill(start, size, request->fill_cpus);

		if (error != 0) {
			errno = error;
			return false;
		}
	}
	out->fill = now() - begun;
	if (!inspect(start, size, out))
		refuse("failed", errno, "/proc/self/smaps cannot be read");
	verify(request, size, out);
	return true;
}
