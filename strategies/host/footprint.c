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
#include <sys/sysinfo.h>
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

/*
 * A mapping larger than RAM and swap is refused at once by the heuristic of overcommit mode 0, which looks at one
 * request at a time (mm/util.c, __vm_enough_memory). Neighbours of the same kind merge into one VMA all the same, so
 * the address range is taken first, unaccounted, and then made real in steps.
 */
static char *map_in_steps(size_t size)
{
	struct sysinfo machine;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *start = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED || sysinfo(&machine) != 0)
		return MAP_FAILED;
	size_t step = (size_t)machine.totalram * machine.mem_unit / 4 / page * page;
	for (size_t at = 0; at < size; at += step) {
		size_t length = size - at < step ? size - at : step;

		if (mmap(start + at, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED)
			return MAP_FAILED;
	}
	return start;
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

/* False: refused, and errno says by whom; a footprint that is not what was asked for ends the worker with a reason. */
bool map_footprint(const struct request *request, struct footprint *out)
{
	size_t size = request->footprint;
	bool touched = request->backing == BACKING_ANON;
	int64_t begun = now();
	char *start = touched ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
			      : map_in_steps(size);

	*out = (struct footprint){0};
	if (start == MAP_FAILED)
		return false;
	/* Whatever the machine's default is, these are base pages; EINVAL: a kernel without huge ones. */
	if (madvise(start, size, MADV_NOHUGEPAGE) != 0 && errno != EINVAL)
		return false;
	if (touched) {
		int error = fill(start, size, request->fill_cpus);

		if (error != 0) {
			errno = error;
			return false;
		}
	}
	out->fill = now() - begun;
	if (!inspect(start, size, out))
		refuse("failed", errno, "/proc/self/smaps cannot be read");
	if (out->vmas != 1)
		refuse("not_allocatable", 0, "the footprint lies in %llu mappings instead of 1",
		       (unsigned long long)out->vmas);
	if (touched ? out->rss < size : out->rss != 0)
		refuse("not_allocatable", 0, "%llu of %zu bytes are resident", (unsigned long long)out->rss,
		       touched ? size : (size_t)0);
	if (out->anon_huge != 0)
		refuse("not_allocatable", 0, "%llu bytes came as huge pages", (unsigned long long)out->anon_huge);
	return true;
}
