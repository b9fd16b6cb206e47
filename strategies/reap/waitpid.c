/* waitpid() for the very child: nothing else to go wrong. */
#include "../host/host.h"

#include <errno.h>
#include <sys/wait.h>

static void reap(struct launch *launch)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(launch->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		host_status_lost(launch, errno);
	else
		host_reaped(launch, status);
}

LAUNCHBENCH_REAPER(
	.name = "waitpid",
	.summary = "waitpid() for the very child",
	.reap = reap,
);
