/*
 * signalfd(): SIGCHLD is blocked for good and read from a descriptor. Nothing runs asynchronously, but the mask is inherited:
 * a command starts with SIGCHLD blocked unless a hygiene resets it.
 */
#include "../host/statuses.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int signals = -1;

static const char *prepare(const struct session *session)
{
	sigset_t child_ends;

	(void)session;
	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child_ends, NULL) != 0)
		return "sigprocmask";
	signals = signalfd(-1, &child_ends, SFD_CLOEXEC);
	return signals >= 0 ? NULL : "signalfd";
}

static void reap(struct launch *launch)
{
	while (!statuses_take(launch)) {
		struct signalfd_siginfo ended;

		if (read(signals, &ended, sizeof ended) < 0 && errno != EINTR) {
			host_status_lost(launch, errno);
			return;
		}
		statuses_collect(); /* one signal may stand for many children here as well */
	}
}

LAUNCHBENCH_REAPER(
	.name = "signalfd",
	.summary = "SIGCHLD blocked and read from a signalfd, then collected",
	.prepare = prepare,
	.reap = reap,
);
