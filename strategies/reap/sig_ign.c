/*
 * SIGCHLD ignored: the kernel buries children at once, and their statuses with them. waitpid() still waits for the end, and
 * then has nothing to tell (ECHILD; POSIX.1-2017, wait()). Ignored signals stay ignored over an exec.
 */
#include "../host/host.h"

#include <signal.h>

static const char *prepare(const struct session *session)
{
	(void)session;
	return signal(SIGCHLD, SIG_IGN) == SIG_ERR ? "signal(SIGCHLD)" : NULL;
}

LAUNCHBENCH_REAPER(
	.name = "sig_ign",
	.summary = "SIGCHLD ignored: no zombies, no statuses",
	.traits = LOSES_STATUSES,
	.prepare = prepare,
	.reap = host_wait,
);
