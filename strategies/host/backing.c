/* The backings: how a footprint is mapped. What is there afterwards is footprint.c's to find out. */
#include "internal.h"
#include "memfd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18 /* since Linux 4.14 */
#endif
#define HUGE ((size_t)2 << 20)
#define HUGE_2MB (21 << 26) /* MAP_HUGE_2MB, include/uapi/linux/mman.h: the machine's default may be 1 GiB */
#define HUGE_POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static char *map_private(size_t size, int flags)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/* Whatever the machine's default is, these are base pages; EINVAL: a kernel without huge ones. */
static bool want_base_pages(char *start, size_t size)
{
	return madvise(start, size, MADV_NOHUGEPAGE) == 0 || errno == EINVAL;
}

static char *with_advice(char *start, size_t size, int advice)
{
	if (start == MAP_FAILED || !want_base_pages(start, size))
		return MAP_FAILED;
	return advice == 0 || madvise(start, size, advice) == 0 ? start : MAP_FAILED;
}

static char *map_anon(size_t size)
{
	return with_advice(map_private(size, 0), size, 0);
}

static char *map_noreserve(size_t size)
{
	return with_advice(map_private(size, MAP_NORESERVE), size, 0);
}

static char *map_dontfork(size_t size)
{
	return with_advice(map_private(size, 0), size, MADV_DONTFORK);
}

static char *map_wipeonfork(size_t size)
{
	return with_advice(map_private(size, 0), size, MADV_WIPEONFORK);
}

/* Aligned to a huge page, or its ends would be base pages. The address range around it is given back. */
static char *map_thp(size_t size)
{
	char *around = map_private(size + HUGE, MAP_NORESERVE);

	if (around == MAP_FAILED)
		return MAP_FAILED;
	char *start = (char *)(((uintptr_t)around + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	if (start > around)
		munmap(around, (size_t)(start - around));
	munmap(start + size, (size_t)(around + HUGE - start));
	/* Mapped anew, so that the footprint is accounted as memory that was asked for without MAP_NORESERVE. */
	start = mmap(start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	return start != MAP_FAILED && madvise(start, size, MADV_HUGEPAGE) == 0 ? start : MAP_FAILED;
}

static char *map_hugetlb(size_t size)
{
	return map_private(size, MAP_HUGETLB | HUGE_2MB);
}

static char *map_shared(size_t size)
{
	int fd = memory_file("footprint");
	char *start = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return start;
}

/*
 * A mapping larger than RAM and swap is refused at once by the heuristic of overcommit mode 0, which looks at one
 * request at a time (mm/util.c, __vm_enough_memory). Neighbours of the same kind merge into one VMA all the same, so
 * the address range is taken first, unaccounted, and then made real in steps.
 */
static char *map_reserved(size_t size)
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
	return want_base_pages(start, size) ? start : MAP_FAILED;
}

static const char *thp_supported(void)
{
	return access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) == 0
		       ? NULL
		       : "this kernel has no transparent huge pages";
}

/* -1: there is no such file. */
static long pages_in_pool(const char *path)
{
	FILE *file = fopen(path, "re");
	long pages = -1;

	if (file && fscanf(file, "%ld", &pages) != 1)
		pages = -1;
	if (file)
		fclose(file);
	return pages;
}

static const char *hugetlb_supported(void)
{
	long unused = pages_in_pool(HUGE_POOL "free_hugepages");
	long promised = pages_in_pool(HUGE_POOL "resv_hugepages"); /* to mappings that have not touched them yet */
	long more = pages_in_pool(HUGE_POOL "nr_overcommit_hugepages") - pages_in_pool(HUGE_POOL "surplus_hugepages");

	if (unused < 0)
		return "this kernel has no huge pages of 2 MiB";
	return unused > promised || more > 0
		       ? NULL
		       : "no huge page of 2 MiB is free (vm.nr_hugepages reserves some)";
}

static const char *wipeonfork_supported(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *start = map_private(page, 0);
	bool knows = start != MAP_FAILED && madvise(start, page, MADV_WIPEONFORK) == 0;

	if (start != MAP_FAILED)
		munmap(start, page);
	return knows ? NULL : "the kernel has no MADV_WIPEONFORK (Linux 4.14)";
}

static const struct backing backings[] = {
	{.name = "anon", .summary = "private anonymous memory in base pages", .map = map_anon, .touched = true},
	{.name = "thp",
	 .summary = "private anonymous memory in transparent huge pages",
	 .map = map_thp,
	 .touched = true,
	 .unit = HUGE,
	 .huge = true,
	 .supported = thp_supported},
	{.name = "hugetlb",
	 .summary = "private memory in reserved huge pages (vm.nr_hugepages)",
	 .map = map_hugetlb,
	 .touched = true,
	 .unit = HUGE,
	 .hugetlb = true,
	 .supported = hugetlb_supported},
	{.name = "shared", .summary = "a memfd, mapped shared", .map = map_shared, .touched = true},
	{.name = "noreserve",
	 .summary = "private anonymous memory mapped with MAP_NORESERVE: not accounted outside of mode 2",
	 .map = map_noreserve,
	 .touched = true},
	{.name = "reserved", .summary = "private anonymous memory, untouched: address space without memory", .map = map_reserved},
	{.name = "dontfork",
	 .summary = "private anonymous memory with MADV_DONTFORK: a fork leaves it out",
	 .map = map_dontfork,
	 .touched = true},
	{.name = "wipeonfork",
	 .summary = "private anonymous memory with MADV_WIPEONFORK: a fork gets it empty, and accounts for it",
	 .map = map_wipeonfork,
	 .touched = true,
	 .supported = wipeonfork_supported},
};

const struct backing *find_backing(const char *name)
{
	for (size_t i = 0; i < sizeof backings / sizeof *backings; i++)
		if (strcmp(backings[i].name, name) == 0)
			return &backings[i];
	return NULL;
}

const struct backing *next_backing(const struct backing *backing)
{
	const struct backing *next = backing ? backing + 1 : backings;

	return next < backings + sizeof backings / sizeof *backings ? next : NULL;
}

/*
 * Cuts a mapping into pieces that the kernel keeps apart, without holes: every other one is left out of core dumps. That
 * is a mark of the VMA and changes nothing about its pages, its accounting or what fork does with it.
 */
bool cut(char *start, size_t size, size_t pieces)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t length = size / pieces / page * page;

	for (size_t i = 1; i < pieces; i += 2) {
		size_t at = i * length, end = i + 1 == pieces ? size : at + length;

		if (madvise(start + at, end - at, MADV_DONTDUMP) != 0)
			return false;
	}
	return true;
}
