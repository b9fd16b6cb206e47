/* Commands that cannot be executed: the caller must learn of it at the stage, and with the errno, that the strategy promises. */
#include "../host/hazard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST_ARGUMENT ((size_t)128 << 10) /* MAX_ARG_STRLEN: 32 pages of 4 KiB, binfmts.h */
#define CASES 4

static const int errors[CASES] = {ENOENT, EACCES, E2BIG, ENOEXEC};

static const char *file_with(struct trial *trial, const char *name, const char *content, mode_t mode)
{
	const char *path = trial_path(trial, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, content, strlen(content)) < 0)
		trial_not_made("%s: %s", path, strerror(errno));
	close(fd);
	return path;
}

static const char *long_argument(void)
{
	size_t size = LONGEST_ARGUMENT * (size_t)(sysconf(_SC_PAGESIZE) / 4096) + 1;
	char *text = malloc(size);

	if (!text)
		trial_not_made("no memory for an argument");
	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
	return text;
}

static struct command make(struct trial *trial, size_t which)
{
	switch (which) {
	case 0:
		return trial_command((const char *const[]){trial_path(trial, "missing"), NULL});
	case 1:
		return trial_command((const char *const[]){file_with(trial, "forbidden", "#!/bin/sh\n", 0600), NULL});
	case 2:
		return trial_command((const char *const[]){host_own_program("probe"), long_argument(), NULL});
	default:
		return trial_command((const char *const[]){file_with(trial, "unformed", "exit 0\n", 0700), NULL});
	}
}

/* 127 for what is not found, 126 for what cannot be executed (POSIX.1-2017, XCU 2.8.2); shells differ on E2BIG. A helper
 * whose system() fails as a whole says 125. */
static bool told_by_shell(const struct trial *trial, const struct launch *launch)
{
	bool helper = trial->strategy->claims & BEHIND_A_HELPER;
	int code = WIFEXITED(launch->status) ? WEXITSTATUS(launch->status) : -1;

	return launch->has_status && (code == 126 || code == 127 || (helper && code == 125));
}

static void silence_shells(void)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0)
		trial_not_made("/dev/null: %s", strerror(errno));
}

static void trial(struct trial *trial)
{
	size_t which = trial->number % CASES;
	struct command command = make(trial, which);
	struct launch launch;

	silence_shells();
	trial_prepare(trial, &command, 1, NULL);
	trial_run(trial, &launch, 0);
	if (launch.stage == STAGE_EXEC && launch.error == errors[which])
		trial_missed();
	if (trial->strategy->status_form == STATUS_SHELL && told_by_shell(trial, &launch))
		trial_missed();
	if (launch.stage == STAGE_NONE && launch.has_status && launch.status == 0)
		trial_hit("what execve() refuses with %s looks like a command that ended well: a shell takes a file without "
			  "a format for a script", strerror(errors[which]));
	if (launch.stage == STAGE_EXEC)
		trial_hit("the exec fails with %s, and the caller is told %s", strerror(errors[which]), strerror(launch.error));
	trial_failed("%s was to come at the exec, and %s came at %s, status %d", strerror(errors[which]),
		     strerror(launch.error), stage_name(launch.stage), launch.has_status ? launch.status : -1);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	/* One case of four: a shell runs a text without a format itself. The shim is another program first, and no shell. */
	bool shell = (strategy->claims & ANOTHER_FIRST) && !(strategy->traits & RUNS_CHILD_SIDE);

	(void)mitigation;
	return (struct oracle){shell ? SOMETIMES : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "exec_errors",
	.summary = "a command that cannot be executed (ENOENT, EACCES, E2BIG, ENOEXEC) looks like one that ended well",
	.source = "execve(2), ERRORS; POSIX.1-2017, XCU 2.9.1.1: a shell runs what fails with ENOEXEC as a script",
	.oracle = oracle,
	.trial = trial,
);
