/* PR_SET_CHILD_SUBREAPER and waitpid() for whoever ends: children of its own, and orphans of theirs that it adopts. */
#include "../host/statuses.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const char *prepare(const struct session *session)
{
	(void)session;
	return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 ? NULL : "PR_SET_CHILD_SUBREAPER";
}

static void reap(struct launch *launch)
{
	while (!statuses_take(launch)) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid > 0) {
			statuses_put(pid, status);
		} else if (errno != EINTR) {
			host_status_lost(launch, errno);
			return;
		}
	}
}

LAUNCHBENCH_REAPER(
	.name = "subreaper",
	.summary = "the subreaper of all descendants, waitpid() for whoever ends",
	.prepare = prepare,
	.reap = reap,
);
