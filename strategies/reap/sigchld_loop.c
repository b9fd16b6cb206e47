/* A handler that waits until nothing is left: as many children as ended before it ran. */
#include "../host/statuses.h"

#include <errno.h>
#include <signal.h>

static void on_child(int signal)
{
	int saved = errno;

	(void)signal;
	statuses_collect();
	errno = saved;
}

static const char *prepare(const struct session *session)
{
	(void)session;
	return sigchld_start(on_child);
}

LAUNCHBENCH_REAPER(
	.name = "sigchld_loop",
	.summary = "waitpid(-1, WNOHANG) in a loop, in the handler of SIGCHLD",
	.prepare = prepare,
	.reap = sigchld_reap,
);
