/* An argument longer than the kernel takes: E2BIG. popen() of some glibcs tells ENOMEM for whatever its posix_spawn() failed with. */
#include "../host/exec_error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void trial(struct trial *trial)
{
	exec_error_trial(trial, E2BIG);
}

/* The library itself is asked: glibc before 2.29 forked and its child said 127, later ones say ENOMEM, the newest E2BIG. */
static bool popen_tells_enomem(void)
{
	char *text = exec_error_long_argument();

	if (!text)
		return false;
	errno = 0;
	FILE *stream = popen(text, "re");
	bool told = !stream && errno == ENOMEM;
	if (stream)
		pclose(stream);
	free(text);
	return told;
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	(void)mitigation;
	return (struct oracle){(strategy->claims & TELLS_ENOMEM) && popen_tells_enomem() ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "exec_too_long",
	.summary = "an argument is longer than the kernel takes (E2BIG), and the caller is told ENOMEM",
	.source = "execve(2), E2BIG; glibc libio/iopopen.c, _IO_new_proc_open()",
	.oracle = oracle,
	.trial = trial,
);
