/* A file without a format that the kernel knows: ENOEXEC. A shell takes it for a script, and runs it. */
#include "../host/exec_error.h"

#include <errno.h>

static void trial(struct trial *trial)
{
	exec_error_trial(trial, ENOEXEC);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	/* The shim is another program first as well, and no shell. */
	bool shell = (strategy->claims & ANOTHER_FIRST) && !(strategy->traits & RUNS_CHILD_SIDE);

	(void)mitigation;
	return (struct oracle){shell ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "exec_format",
	.summary = "a file has no format that the kernel knows (ENOEXEC), and looks like a command that ended well",
	.source = "execve(2), ENOEXEC; POSIX.1-2017, XCU 2.9.1.1: a shell runs it as a script",
	.oracle = oracle,
	.trial = trial,
);
