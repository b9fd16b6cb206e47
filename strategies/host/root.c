/*
 * Another root for a worker: what it sees of files is a folder that is put together from mounts, in a mount namespace of
 * its own. Nobody else sees these mounts, and they end with the last process of the worker, however it ends.
 */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* Private first: a mount that spread to the machine's own tree would outlive the worker, and be cleaned up as a folder. */
static bool own_mounts(void)
{
	static bool mine;

	if (!mine)
		mine = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return mine;
}

/* FOLDER:TARGET; the target has no colon in it. */
static bool bind_pair(const char *pair, bool read_only)
{
	const char *target = strrchr(pair, ':');
	char source[PATH_MAX];

	if (!target || (size_t)snprintf(source, sizeof source, "%.*s", (int)(target - pair), pair) >= sizeof source) {
		errno = EINVAL;
		return false;
	}
	return own_mounts() && mount(source, target + 1, NULL, MS_BIND | MS_REC, NULL) == 0 &&
	       (!read_only || mount(NULL, target + 1, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
}

bool bind_folder(const char *pair)
{
	return bind_pair(pair, false);
}

bool lend_folder(const char *pair)
{
	return bind_pair(pair, true);
}

bool change_root(const char *folder)
{
	return own_mounts() && chroot(folder) == 0 && chdir("/") == 0;
}
