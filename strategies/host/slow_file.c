/*
 * A program that takes as long to execute as one likes, as from a file server that does not answer.
 *
 * A write lease (fcntl(2), F_SETLEASE) makes whoever opens the file wait until its holder gives it up, and execve(2) opens
 * what it executes (fs/exec.c, do_open_execat(); fs/locks.c, __break_lease()): at this point the child still has all that
 * it inherited, and a child of vfork() its caller's memory. The lease itself says when somebody waits.
 */
#include "slow_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char *path;
static int leased = -1;

int copy_program(const char *name, const char *to)
{
	const char *from = host_own_program(name);
	char buffer[65536];
	ssize_t length;

	if (!from)
		trial_failed("the program `%s` is not beside the worker", name);
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	if (in < 0 || out < 0)
		trial_not_made("a copy of %s: %s", name, strerror(errno));
	while ((length = read(in, buffer, sizeof buffer)) > 0)
		if (write(out, buffer, (size_t)length) != length)
			trial_not_made("a copy of %s: %s", name, strerror(errno));
	close(in);
	return out;
}

void slow_file_make(const struct trial *trial)
{
	path = trial_path(trial, "slow");
	close(copy_program("probe", path));
	leased = open(path, O_RDONLY | O_CLOEXEC);
	/* Who holds a lease is told by a signal that somebody waits; this one is ignored by default, SIGIO kills. */
	if (leased < 0 || fcntl(leased, F_SETSIG, SIGURG) != 0 || fcntl(leased, F_SETLEASE, F_WRLCK) != 0)
		trial_not_made("a lease on a file in %s: %s", trial->folder, strerror(errno));
}

struct command slow_file_command(void)
{
	return trial_command((const char *const[]){path, NULL});
}

bool slow_file_wanted(void)
{
	return fcntl(leased, F_GETLEASE) != F_WRLCK;
}

void slow_file_allow(void)
{
	fcntl(leased, F_SETLEASE, F_UNLCK);
}
