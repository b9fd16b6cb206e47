/* What holds for one worker of a guest, and is as it was afterwards: control groups, vm.overcommit_*; and the OOM killer. */
#include "order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OVERCOMMIT "/proc/sys/vm/overcommit_"

static bool write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return done;
}

/* ---- Control groups of the worker's own. ---- */

bool make_groups(const struct order *order)
{
	for (int i = 0; i < order->folders.count; i++)
		if (mkdir(order->folders.word[i], 0755) != 0 && errno != EEXIST)
			return false;
	for (int i = 0; i < order->settings.count; i++) {
		char *value = strchr(order->settings.word[i], '=');

		if (!value) {
			errno = EINVAL;
			return false;
		}
		*value++ = '\0';
		if (!write_file(order->settings.word[i], value))
			return false;
	}
	return true;
}

/* The kernel may take a moment to see that the last process has gone. */
void remove_groups(const struct order *order)
{
	int64_t until = now() + 1000 * MILLISECOND;

	for (int i = order->folders.count - 1; i >= 0; i--)
		while (rmdir(order->folders.word[i]) != 0 && errno == EBUSY && now() < until)
			nanosleep(&(struct timespec){.tv_nsec = MILLISECOND}, NULL);
}

/* ---- vm.overcommit_*: what was found is put back after the launches, whatever became of them. ---- */

static bool read_setting(const char *name, char value[32])
{
	char path[64];

	snprintf(path, sizeof path, OVERCOMMIT "%s", name);
	FILE *file = fopen(path, "re");
	bool done = file && fgets(value, 32, file);
	if (file)
		fclose(file);
	return done;
}

static bool write_setting(const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof path, OVERCOMMIT "%s", name);
	return write_file(path, value);
}

bool enter_mode(const struct order *order, struct policy *policy)
{
	if (!order->mode || policy->on)
		return true;
	if (!read_setting("memory", policy->memory) || !read_setting("ratio", policy->ratio) ||
	    !read_setting("kbytes", policy->kbytes))
		return false;
	policy->on = true;
	/* The limit first: it means nothing until the mode is 2. */
	return (!order->kbytes || write_setting("kbytes", order->kbytes)) && write_setting("memory", order->mode);
}

/* Ratio and kbytes are one setting with two names: writing the one zeroes the other. */
void leave_mode(struct policy *policy)
{
	if (!policy->on)
		return;
	policy->on = false;
	write_setting("memory", policy->memory);
	if (atol(policy->kbytes) != 0)
		write_setting("kbytes", policy->kbytes);
	else
		write_setting("ratio", policy->ratio);
}

/* ---- The OOM killer: /proc/vmstat counts it since Linux 4.13; before that the kernel's log tells. ---- */

static long oom_kills(void)
{
	FILE *vmstat = fopen("/proc/vmstat", "re");
	char line[128];
	long kills = -1;

	while (vmstat && kills < 0 && fgets(line, sizeof line, vmstat))
		sscanf(line, "oom_kill %ld", &kills);
	if (vmstat)
		fclose(vmstat);
	return kills;
}

/* Positioned behind what the log holds already; -1 where it may not be read. */
static int kernel_log(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log >= 0)
		lseek(log, 0, SEEK_END);
	return log;
}

static bool log_tells_of_kill(int log)
{
	char line[8192];
	ssize_t size;

	/* EPIPE: lines that were overwritten before they were read; the next read goes on behind them. */
	while ((size = read(log, line, sizeof line - 1)) > 0 || (size < 0 && errno == EPIPE)) {
		line[size > 0 ? size : 0] = '\0';
		if (strstr(line, "Killed process"))
			return true;
	}
	return false;
}

struct kills watch_kills(void)
{
	struct kills since = {.counted = oom_kills(), .log = -1};

	if (since.counted < 0)
		since.log = kernel_log();
	return since;
}

bool was_kill(struct kills *since)
{
	bool killed = since->counted < 0 ? since->log >= 0 && log_tells_of_kill(since->log) : oom_kills() > since->counted;

	if (since->log >= 0)
		close(since->log);
	return killed;
}
