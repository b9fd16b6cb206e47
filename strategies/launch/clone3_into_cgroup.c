/* clone3(CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP): the child is born in another control group, nobody moves it. */
#include "../host/clone3.h"
#include "../host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int group = -1;
static char group_path[PATH_MAX];

/* The v2 hierarchy's mount point, from /proc/self/mounts (device, where, type, ...). */
static bool find_hierarchy(char *where, size_t size)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[PATH_MAX + 256], place[PATH_MAX], type[64];
	bool found = false;

	while (mounts && !found && fgets(line, sizeof line, mounts))
		if (sscanf(line, "%*s %4095s %63s", place, type) == 2 && strcmp(type, "cgroup2") == 0)
			found = (size_t)snprintf(where, size, "%s", place) < size;
	if (mounts)
		fclose(mounts);
	return found;
}

/* This process's place in it: the line `0::PATH` of /proc/self/cgroup. */
static bool find_own(char *path, size_t size)
{
	FILE *groups = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX + 8];
	bool found = false;

	while (groups && !found && fgets(line, sizeof line, groups))
		if (strncmp(line, "0::", 3) == 0) {
			line[strcspn(line, "\n")] = '\0';
			found = (size_t)snprintf(path, size, "%s", line + 3) < size;
		}
	if (groups)
		fclose(groups);
	return found;
}

static const char *make_group(void)
{
	char hierarchy[PATH_MAX / 4], own[PATH_MAX / 2];

	if (!find_hierarchy(hierarchy, sizeof hierarchy) || !find_own(own, sizeof own))
		return "there is no cgroup v2 hierarchy";
	snprintf(group_path, sizeof group_path, "%s%s/launchbench-%d", hierarchy, strcmp(own, "/") ? own : "", getpid());
	/* One of that name is this process's own, or that of a dead one which had its number. */
	if (mkdir(group_path, 0755) != 0 && errno != EEXIST)
		return "no control group can be made in the v2 hierarchy (needs root, or a delegated group)";
	group = open(group_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return group >= 0 ? NULL : "the control group that was made cannot be opened";
}

/* A child that was waited for may be counted in its group for a moment yet: then it is busy. */
static void remove_group(void)
{
	static const struct timespec a_while = {.tv_nsec = 1000000};

	close(group);
	for (int i = 0; rmdir(group_path) != 0 && errno == EBUSY && i < 200; i++)
		nanosleep(&a_while, NULL);
}

static struct clone3_arguments arguments(void)
{
	return (struct clone3_arguments){
		.flags = CLONE_VM | CLONE_VFORK | CLONE3_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)group,
	};
}

static const char *supported(void)
{
	const char *reason = make_group();

	if (reason)
		return reason;
	struct clone3_arguments trial = arguments();
	int error = clone3_trial(&trial);
	remove_group();
	return error == 0 ? NULL : "the kernel has no CLONE_INTO_CGROUP (Linux 5.7), or a filter refuses it";
}

static const char *prepare(const struct session *session)
{
	(void)session;
	return make_group();
}

static void launch(struct launch *launch)
{
	struct clone3_arguments into = arguments();
	long pid = clone3_as_vfork(&into);

	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, (int)-pid);
	else
		launch->pid = (pid_t)pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "clone3_into_cgroup",
	.summary = "clone3(CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP): born in another control group (v2)",
	.traits = RUNS_CHILD_SIDE,
	.claims = SUSPENDS | NEEDS_CLONE3,
	.memory = MEMORY_SHARED,
	.supported = supported,
	.prepare = prepare,
	.launch = launch,
	.finish = remove_group,
);
