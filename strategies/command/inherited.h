/*
 * What a launched program inherited, as one line of text:
 *
 *     pid=N parent=N session=N group=N umask=OCTAL blocked=HEX ignored=HEX descriptors=0-2,7 cgroup=LINE;LINE
 *
 * Signal N is bit N - 1 of a set. `cgroup` is /proc/self/cgroup with its line ends as semicolons, and stands last because
 * a path may hold anything. `-` where /proc does not say.
 */
#ifndef LAUNCHBENCH_INHERITED_H
#define LAUNCHBENCH_INHERITED_H

#include "freestanding.h"

#define SIGNALS 64
#define SIG_IGN_ADDRESS 1

struct text {
	char *bytes;
	long used, size;
};

static void put(struct text *text, char c)
{
	if (text->used < text->size)
		text->bytes[text->used++] = c;
}

static void put_words(struct text *text, const char *words)
{
	while (*words)
		put(text, *words++);
}

static void put_number(struct text *text, uint64_t number, unsigned base)
{
	char digits[24];
	int count = 0;

	do
		digits[count++] = "0123456789abcdef"[number % base];
	while ((number /= base) != 0);
	while (count > 0)
		put(text, digits[--count]);
}

static void put_field(struct text *text, const char *name, uint64_t number, unsigned base)
{
	put_words(text, name);
	put_number(text, number, base);
}

static uint64_t ignored_signals(void)
{
	uint64_t action[4], ignored = 0; /* the kernel's struct: handler, flags, restorer, mask */

	for (long signal = 1; signal <= SIGNALS; signal++)
		if (system_call(__NR_rt_sigaction, signal, 0, (long)action, sizeof(uint64_t)) == 0 &&
		    action[0] == SIG_IGN_ADDRESS)
			ignored |= (uint64_t)1 << (signal - 1);
	return ignored;
}

static uint64_t blocked_signals(void)
{
	uint64_t blocked = 0;

	system_call(__NR_rt_sigprocmask, 0, 0, (long)&blocked, sizeof blocked);
	return blocked;
}

/* Descriptors in ascending order as ranges: /proc/self/fd is ordered by number (fs/proc/fd.c). */
static void put_descriptors(struct text *text)
{
	static char buffer[4096] __attribute__((aligned(8)));
	long folder = system_call(__NR_openat, AT_FDCWD, (long)"/proc/self/fd", O_RDONLY, 0);
	long first = -1, last = -2, length;

	if (folder < 0) {
		put(text, '-');
		return;
	}
	while ((length = system_call(__NR_getdents64, folder, (long)buffer, sizeof buffer, 0)) > 0)
		for (long at = 0; at < length; at += *(unsigned short *)(buffer + at + 16)) {
			const char *name = buffer + at + 19; /* struct linux_dirent64: inode, offset, length, type, name */
			long fd = 0;

			if (*name < '0' || *name > '9')
				continue; /* . and .. */
			while (*name)
				fd = fd * 10 + (*name++ - '0');
			if (fd == folder)
				continue;
			if (fd == last + 1) {
				last = fd;
				continue;
			}
			if (first >= 0 && last > first)
				put_field(text, "-", (uint64_t)last, 10);
			if (first >= 0)
				put(text, ',');
			put_number(text, (uint64_t)fd, 10);
			first = last = fd;
		}
	if (first < 0)
		put(text, '-');
	else if (last > first)
		put_field(text, "-", (uint64_t)last, 10);
	system_call(__NR_close, folder, 0, 0, 0);
}

static void put_cgroup(struct text *text)
{
	long file = system_call(__NR_openat, AT_FDCWD, (long)"/proc/self/cgroup", O_RDONLY, 0);
	long start = text->used, length;

	while (file >= 0 && (length = system_call(__NR_read, file, (long)(text->bytes + text->used),
						  text->size - text->used, 0)) > 0)
		text->used += length;
	if (file >= 0)
		system_call(__NR_close, file, 0, 0, 0);
	if (text->used == start)
		put(text, '-');
	for (long i = start; i < text->used; i++)
		if (text->bytes[i] == '\n')
			text->bytes[i] = ';';
}

/* Appends the line to the file of that name. */
static void report_inherited(const char *path)
{
	static char bytes[1 << 16];
	struct text text = {bytes, 0, sizeof bytes - 1};
	uint64_t mask = (uint64_t)system_call(__NR_umask, 0, 0, 0, 0);
	long file;

	put_field(&text, "pid=", (uint64_t)system_call(__NR_getpid, 0, 0, 0, 0), 10);
	put_field(&text, " parent=", (uint64_t)system_call(__NR_getppid, 0, 0, 0, 0), 10);
	put_field(&text, " session=", (uint64_t)system_call(__NR_getsid, 0, 0, 0, 0), 10);
	put_field(&text, " group=", (uint64_t)system_call(__NR_getpgid, 0, 0, 0, 0), 10);
	put_field(&text, " umask=", mask, 8);
	put_field(&text, " blocked=", blocked_signals(), 16);
	put_field(&text, " ignored=", ignored_signals(), 16);
	put_words(&text, " descriptors=");
	put_descriptors(&text);
	put_words(&text, " cgroup=");
	put_cgroup(&text);
	text.bytes[text.used++] = '\n';
	file = system_call(__NR_openat, AT_FDCWD, (long)path, O_WRONLY | O_APPEND, 0);
	system_call(__NR_write, file, (long)text.bytes, text.used, 0);
	system_call(__NR_close, file, 0, 0, 0);
}

#endif
