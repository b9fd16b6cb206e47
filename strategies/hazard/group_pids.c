/* A control group that may have no more processes, as a container has: every launch in it fails with EAGAIN, helpers' too. */
#include "../host/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *folder;

static void write_file(const char *name, const char *value)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		trial_not_made("%s: %s", path, strerror(errno));
	close(fd);
}

/* Allows what there is now, and no more. */
static void close_group(void)
{
	char path[4096], count[32];

	snprintf(path, sizeof path, "%s/pids.current", folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, count, sizeof count - 1) : -1;
	if (length <= 0)
		trial_not_made("%s: %s", path, strerror(errno));
	close(fd);
	count[length] = '\0';
	write_file("pids.max", count);
}

static void trial(struct trial *trial)
{
	struct command probe = trial_probe(trial);

	folder = trial->group;
	write_file("pids.max", "max");
	write_file("cgroup.procs", "0"); /* this process */
	trial_prepare(trial, &probe, 1, NULL);
	close_group();
	launch_refused(trial, EAGAIN);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	(void)strategy, (void)mitigation;
	return (struct oracle){ALWAYS, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "group_pids",
	.summary = "the control group has reached its pids.max: a launch fails with EAGAIN, a helper's as well",
	.source = "Documentation/admin-guide/cgroup-v2.rst, PID: fork() or clone() return -EAGAIN",
	.needs_group = true,
	.oracle = oracle,
	.trial = trial,
);
