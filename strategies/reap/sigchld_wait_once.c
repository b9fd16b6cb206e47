/* A handler with one wait(): right as long as no two children end before it runs, for SIGCHLD does not queue. */
#include "../host/statuses.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static void on_child(int signal)
{
	int saved = errno, status;
	pid_t pid = waitpid(-1, &status, WNOHANG); /* one wait(); it must not block when a strategy took the child itself */

	(void)signal;
	if (pid > 0)
		statuses_put(pid, status);
	errno = saved;
}

static const char *prepare(const struct session *session)
{
	(void)session;
	return sigchld_start(on_child);
}

LAUNCHBENCH_REAPER(
	.name = "sigchld_wait_once",
	.summary = "one wait() for each SIGCHLD, in its handler",
	.traits = LOSES_STATUSES,
	.prepare = prepare,
	.reap = sigchld_reap,
);
