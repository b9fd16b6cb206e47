/* A descriptor for each child, all of them in one epoll set; no signal, and no pid that could be another's by then. */
#include "../host/pidfd.h"
#include "../host/statuses.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same on every architecture, since Linux 5.3 */
#endif

static int set = -1;

static const char *prepare(const struct session *session)
{
	(void)session;
	set = epoll_create1(EPOLL_CLOEXEC);
	return set >= 0 ? NULL : "epoll_create1";
}

static void launched(struct launch *launch)
{
	int pidfd = (int)syscall(SYS_pidfd_open, launch->pid, 0);
	/* Both numbers in one word: the event says whose it is without a table. */
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)(uint32_t)launch->pid << 32 | (uint32_t)pidfd};

	if (pidfd < 0 || epoll_ctl(set, EPOLL_CTL_ADD, pidfd, &event) != 0) {
		host_status_lost(launch, errno);
		if (pidfd >= 0)
			close(pidfd);
	}
}

static void reap(struct launch *launch)
{
	while (!statuses_take(launch)) {
		struct epoll_event event;
		int status;
		int ready = epoll_wait(set, &event, 1, -1);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready != 1) {
			host_status_lost(launch, errno);
			return;
		}
		/*
		 * Closing does not take it out of the set while a child that has not reached its exec holds a copy (epoll(7)),
		 * and its event would come again under a number that is somebody else's by then.
		 */
		epoll_ctl(set, EPOLL_CTL_DEL, (int)(uint32_t)event.data.u64, NULL);
		int error = pidfd_wait((int)(uint32_t)event.data.u64, &status);
		if (error == 0)
			statuses_put((pid_t)(event.data.u64 >> 32), status);
		else if ((pid_t)(event.data.u64 >> 32) == launch->pid) {
			host_status_lost(launch, error);
			return;
		}
	}
}

LAUNCHBENCH_REAPER(
	.name = "pidfd",
	.summary = "a pidfd for each child in an epoll set, waitid(P_PIDFD)",
	.supported = pidfd_supported,
	.prepare = prepare,
	.launched = launched,
	.reap = reap,
);
