/*
 * The self-pipe: the handler writes a byte, the program waits for it where it waits for its other descriptors, and collects
 * outside of the handler. A full pipe loses nothing: one byte says as much as many.
 */
#include "../host/statuses.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static int ends[2] = {-1, -1};

static void on_child(int signal)
{
	int saved = errno;
	char byte = (char)signal;

	if (write(ends[1], &byte, 1) < 0)
		errno = 0; /* EAGAIN: there is one already */
	errno = saved;
}

static const char *prepare(const struct session *session)
{
	(void)session;
	return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 ? sigchld_start(on_child) : "pipe2";
}

static void reap(struct launch *launch)
{
	while (!statuses_take(launch)) {
		struct pollfd incoming = {.fd = ends[0], .events = POLLIN};
		char bytes[256];

		if (poll(&incoming, 1, -1) < 0 && errno != EINTR) {
			host_status_lost(launch, errno);
			return;
		}
		/* First the pipe is emptied, then collected: a child that ends in between writes a new byte. */
		while (read(ends[0], bytes, sizeof bytes) > 0)
			;
		statuses_collect();
	}
}

LAUNCHBENCH_REAPER(
	.name = "self_pipe",
	.summary = "the handler of SIGCHLD writes into a pipe, the program polls it and collects",
	.prepare = prepare,
	.reap = reap,
);
