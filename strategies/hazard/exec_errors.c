/* A command that is missing, or may not be executed: the caller must learn of it at the exec, or as 127 and 126 from a shell. */
#include "../host/exec_error.h"

#include <errno.h>

static void trial(struct trial *trial)
{
	exec_error_trial(trial, trial->number % 2 ? EACCES : ENOENT);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	(void)strategy, (void)mitigation;
	return (struct oracle){NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "exec_errors",
	.summary = "a command is missing or not executable (ENOENT, EACCES), and the caller is told something else",
	.source = "execve(2), ERRORS; POSIX.1-2017, XCU 2.8.2: 127 and 126",
	.oracle = oracle,
	.trial = trial,
);
