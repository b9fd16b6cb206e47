/*
 * The pacer: a process of its own, held to the CPU of a worker, that launches `probe` whenever the worker asks it to, and
 * answers how long that took. It has no footprint and always does the same, so that what its times differ by is the pace of
 * the machine: another tenant of the core, the frequency. Workers ask before each launch, outside of what is timed.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 1

static int channel = -1;

/* ---- the pacer's side ---------------------------------------------------------------------------------------------- */

/* ns; 0 when the launch failed. */
static int64_t launch_probe(const char *program)
{
	char *const arguments[] = {(char *)program, NULL};
	char *const environment[] = {NULL};
	int64_t begun = now();
	pid_t pid = vfork();
	int status = -1;

	if (pid == 0) {
		execve(program, arguments, environment);
		_exit(127);
	}
	if (pid < 0)
		return 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? now() - begun : 0;
}

/* Serves one worker after the other, at the socket that it has as its standard input, until it is killed. */
int pacer(const char *program)
{
	for (;;) {
		int worker = accept4(0, NULL, NULL, SOCK_CLOEXEC);
		char question;

		if (worker < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (worker < 0)
			return 70;
		while (read(worker, &question, 1) == 1) {
			int64_t answer = launch_probe(program);

			if (send(worker, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer)
				break;
		}
		close(worker);
	}
}

/* ---- the worker's side --------------------------------------------------------------------------------------------- */

/* A pacer that cannot be reached is none: what it would have told is not known then, and everything else is. */
void pacer_meet(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = PATIENCE_S};

	if (!path || strlen(path) >= sizeof address.sun_path)
		return;
	strcpy(address.sun_path, path);
	channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (channel >= 0 && (setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
			     connect(channel, (struct sockaddr *)&address, sizeof address) != 0)) {
		close(channel);
		channel = -1;
	}
}

/* ns that a launch took the pacer just now; 0: nobody answers. */
int64_t pacer_ask(void)
{
	int64_t answer = 0;
	ssize_t got = -1;

	if (channel < 0)
		return 0;
	if (send(channel, "?", 1, MSG_NOSIGNAL) == 1)
		while ((got = recv(channel, &answer, sizeof answer, MSG_WAITALL)) < 0 && errno == EINTR)
			;
	if (got == sizeof answer)
		return answer;
	close(channel); /* an answer that comes too late is not taken for the next one's */
	channel = -1;
	return 0;
}
