/* Makes commands that cannot be executed, and judges what the caller is told of them. */
#include "exec_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST_ARGUMENT ((size_t)128 << 10) /* MAX_ARG_STRLEN: 32 pages of 4 KiB, binfmts.h */

static const char *file_with(struct trial *trial, const char *name, const char *content, mode_t mode)
{
	const char *path = trial_path(trial, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, content, strlen(content)) < 0)
		trial_not_made("%s: %s", path, strerror(errno));
	close(fd);
	return path;
}

char *exec_error_long_argument(void)
{
	size_t size = LONGEST_ARGUMENT * (size_t)(sysconf(_SC_PAGESIZE) / 4096) + 1;
	char *text = malloc(size);

	if (text) {
		memset(text, 'x', size - 1);
		text[size - 1] = '\0';
	}
	return text;
}

static const char *long_argument(void)
{
	const char *text = exec_error_long_argument();

	if (!text)
		trial_not_made("no memory for an argument");
	return text;
}

/* What execve() refuses with this errno. */
static struct command refused_with(struct trial *trial, int error)
{
	switch (error) {
	case ENOENT:
		return trial_command((const char *const[]){trial_path(trial, "missing"), NULL});
	case EACCES:
		return trial_command((const char *const[]){file_with(trial, "forbidden", "#!/bin/sh\n", 0600), NULL});
	case E2BIG:
		return trial_command((const char *const[]){host_own_program("probe"), long_argument(), NULL});
	default:
		return trial_command((const char *const[]){file_with(trial, "unformed", "exit 0\n", 0700), NULL});
	}
}

/*
 * 127 for what is not found, 126 for what cannot be executed (POSIX.1-2017, XCU 2.8.2). An argument that is too long is in
 * the shell's own argument as well: there is no shell then, and system() says 127 for that (POSIX.1-2017, system()).
 */
static bool told_by_shell(const struct trial *trial, const struct launch *launch, int error)
{
	bool no_shell = error == E2BIG && (trial->strategy->claims & ANOTHER_FIRST);
	int promised = error == ENOENT || no_shell ? 127 : 126;

	if (!launch->has_status || !WIFEXITED(launch->status))
		return false;
	/* system() of musl returns -1 where no shell could be made, which a helper tells as 125. */
	if (no_shell && (trial->strategy->claims & BEHIND_A_HELPER) && WEXITSTATUS(launch->status) == 125)
		return true;
	return WEXITSTATUS(launch->status) == promised;
}

static void silence_shells(void)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0)
		trial_not_made("/dev/null: %s", strerror(errno));
}

void exec_error_trial(struct trial *trial, int error)
{
	struct command command = refused_with(trial, error);
	struct launch launch;

	silence_shells();
	trial_prepare(trial, &command, 1, NULL);
	trial_run(trial, &launch, 0);
	if (launch.stage == STAGE_EXEC && launch.error == error)
		trial_missed();
	if (trial->strategy->status_form == STATUS_SHELL && told_by_shell(trial, &launch, error))
		trial_missed();
	if (launch.stage == STAGE_NONE && launch.has_status && launch.status == 0)
		trial_hit("what execve() refuses with %s looks like a command that ended well", strerror(error));
	bool hidden = launch.stage == STAGE_SPAWN && launch.error == ENOMEM && (trial->strategy->claims & TELLS_ENOMEM);
	if (launch.stage == STAGE_EXEC || hidden)
		trial_hit("the exec fails with %s, and the caller is told %s at the %s", strerror(error), strerror(launch.error),
			  stage_name(launch.stage));
	if (launch.stage == STAGE_NONE && launch.has_status)
		trial_hit("the exec fails with %s, and the caller is told status %d", strerror(error), launch.status);
	/* No exec was come to, or nobody knows what became of it. */
	trial_failed("%s was to come at the exec, and %s came at %s", strerror(error), strerror(launch.error),
		     stage_name(launch.stage));
}
