/* Process 1 of a guest: the least that makes an initramfs a Linux system, and its end. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEP_TICKS 20
#define CALM_TICKS 18
#define MOST_STEPS 50

static const struct {
	const char *type, *point, *options;
} mounts[] = {
	{"proc", "/proc", NULL},
	{"sysfs", "/sys", NULL},
	{"devtmpfs", "/dev", NULL},
	{"tmpfs", "/dev/shm", "mode=1777"},
	{"tmpfs", "/tmp", "mode=1777"},
	{"tmpfs", "/run", "mode=755"},
};

static void attach(const char *type, const char *point, const char *options)
{
	mkdir(point, 0755);
	if (mount(type, point, type, 0, options) != 0)
		fprintf(stderr, "agent: %s: %s\n", point, strerror(errno));
}

/* Version 2 where there is one (Linux 4.5); else a hierarchy for each controller that a limit needs. */
static void attach_cgroups(void)
{
	static const char *const v1[] = {"memory", "pids"};
	char point[64];

	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) == 0) {
		int fd = open("/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
		/* One at a time: one that is not there would refuse the others with it. */
		for (size_t i = 0; fd >= 0 && i < sizeof v1 / sizeof *v1; i++)
			if (dprintf(fd, "+%s", v1[i]) < 0)
				fprintf(stderr, "agent: no cgroup controller %s: %s\n", v1[i], strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	attach("tmpfs", "/sys/fs/cgroup", "mode=755");
	for (size_t i = 0; i < sizeof v1 / sizeof *v1; i++) {
		snprintf(point, sizeof point, "/sys/fs/cgroup/%s", v1[i]);
		mkdir(point, 0755);
		if (mount("cgroup", point, "cgroup", 0, v1[i]) != 0)
			fprintf(stderr, "agent: no cgroup controller %s: %s\n", v1[i], strerror(errno));
	}
}

/* Of all CPUs, since the boot, in ticks of 10 ms; -1 when it cannot be read. */
static long idle_ticks(void)
{
	FILE *stat = fopen("/proc/stat", "re");
	long idle = -1;

	if (stat && fscanf(stat, "cpu %*d %*d %*d %ld", &idle) != 1)
		idle = -1;
	if (stat)
		fclose(stat);
	return idle;
}

/*
 * A kernel has work to do after its first process began (self-tests, what initialisation deferred), and the first worker
 * of a boot would share the CPU with it: its launches took two and three times as long. Returns when the CPU was idle
 * for most of two steps in a row, or when it is not going to be.
 */
static void settle(void)
{
	int calm = 0;

	for (int step = 0; step < MOST_STEPS && calm < 2; step++) {
		long before = idle_ticks();

		nanosleep(&(struct timespec){.tv_nsec = STEP_TICKS * 10 * 1000000}, NULL);
		calm = before >= 0 && idle_ticks() - before >= CALM_TICKS ? calm + 1 : 0;
	}
}

/*
 * A guest meets nothing that is up to chance, and a kernel that has not gathered enough of it takes a slow way each time
 * it is asked, as by every exec: a third of what a launch costs. It is told that it has; nothing in a guest is secret.
 */
static void grant_entropy(void)
{
	/* struct rand_pool_info, which leaves the size of its buffer open */
	struct {
		int bits, bytes;
		uint32_t words[64];
	} grant = {.bits = 8 * (int)sizeof grant.words, .bytes = (int)sizeof grant.words};
	int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof grant.words / sizeof *grant.words; i++)
		grant.words[i] = (uint32_t)(i + 1) * 2654435761U;
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &grant) != 0)
		fprintf(stderr, "agent: no entropy: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

void become_init(void)
{
	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
		attach(mounts[i].type, mounts[i].point, mounts[i].options);
	attach_cgroups();
	grant_entropy();
	settle();
}

/* In a guest, the machine ends; elsewhere this process does, with all that it started. */
void power_off(void)
{
	if (getpid() == 1) {
		sync();
		reboot(RB_POWER_OFF);
	}
	end_family();
	_exit(0);
}
