/* SA_NOCLDWAIT: as with SIGCHLD ignored, but nothing is inherited; one wait() at the end returns when all are gone. */
#include "../host/host.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static const char *prepare(const struct session *session)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};

	(void)session;
	return sigaction(SIGCHLD, &action, NULL) == 0 ? NULL : "sigaction(SIGCHLD)";
}

static void reap(struct launch *launch)
{
	int status;
	pid_t pid;

	do
		pid = wait(&status);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		host_status_lost(launch, errno); /* ECHILD, for each of them */
	else
		host_reaped(launch, status);
}

LAUNCHBENCH_REAPER(
	.name = "sa_nocldwait",
	.summary = "SA_NOCLDWAIT, and one wait() for all at the end: no zombies, no statuses",
	.traits = REAPS_LAST | AWAITS_NOBODY_LEFT | LOSES_STATUSES,
	.prepare = prepare,
	.reap = reap,
);
