/* Process 1 of a guest: the least that makes an initramfs a Linux system, and its end. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

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

void become_init(void)
{
	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
		attach(mounts[i].type, mounts[i].point, mounts[i].options);
	attach_cgroups();
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
