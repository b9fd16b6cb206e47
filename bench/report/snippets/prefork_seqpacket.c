/*
 * A helper that is forked while the program is small, and runs commands for it ever after.
 *
 * Call helper_start() first thing in main(), before threads and memory. run_command() then sends the command to the
 * helper and waits for its wait status: argv[0] is a path; it returns 0 and the status, or an errno: then nothing ran.
 * Commands have the helper's descriptors 0 to 2, environment and folder, as they were at helper_start(). The helper ends
 * when the program does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_REQUEST = 64 * 1024, MOST_ARGUMENTS = 1024 };

struct reply {
	int error, status;
};

extern char **environ;

static int helper = -1;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static struct reply launch(char *const argv[])
{
	struct reply reply = {0, 0};
	pid_t pid;

	reply.error = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
	if (reply.error)
		return reply;
	while (waitpid(pid, &reply.status, 0) == -1)
		if (errno != EINTR) {
			reply.error = errno;
			break;
		}
	return reply;
}

static void serve(int requests)
{
	static char request[LONGEST_REQUEST];
	static char *argv[MOST_ARGUMENTS + 1];

	for (;;) {
		ssize_t length = recv(requests, request, sizeof(request), 0);
		size_t count = 0;
		struct reply reply = {E2BIG, 0};

		if (length == -1 && errno == EINTR)
			continue;
		if (length <= 0)
			_exit(0); /* the program has ended */
		for (char *at = request; at < request + length && count <= MOST_ARGUMENTS; at += strlen(at) + 1)
			argv[count++] = at;
		if (count <= MOST_ARGUMENTS) {
			argv[count] = NULL;
			reply = launch(argv);
		}
		if (send(requests, &reply, sizeof(reply), MSG_NOSIGNAL) == -1)
			_exit(1);
	}
}

int helper_start(void)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return errno;
	pid = fork();
	if (pid == -1) {
		int error = errno;

		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (pid == 0) {
		close(ends[0]);
		setpgid(0, 0); /* Ctrl-C is for the program, which may still need the helper while it ends */
		signal(SIGCHLD, SIG_DFL);
		serve(ends[1]);
	}
	close(ends[1]);
	helper = ends[0];
	return 0;
}

static int exchange(const char *request, size_t length, struct reply *reply)
{
	ssize_t done;

	do
		done = send(helper, request, length, MSG_NOSIGNAL);
	while (done == -1 && errno == EINTR);
	if (done == -1)
		return errno;
	do
		done = recv(helper, reply, sizeof(*reply), 0);
	while (done == -1 && errno == EINTR);
	if (done == -1)
		return errno;
	return done == (ssize_t)sizeof(*reply) ? 0 : EPIPE; /* the helper is gone */
}

int run_command(char *const argv[], int *status)
{
	char request[LONGEST_REQUEST];
	size_t length = 0;
	struct reply reply = {0, 0};
	int error;

	for (size_t number = 0; argv[number]; number++) {
		size_t size = strlen(argv[number]) + 1;

		if (size > sizeof(request) - length)
			return E2BIG;
		memcpy(request + length, argv[number], size);
		length += size;
	}
	pthread_mutex_lock(&one_at_a_time);
	error = exchange(request, length, &reply);
	pthread_mutex_unlock(&one_at_a_time);
	if (!error)
		*status = reply.status;
	return error ? error : reply.error;
}
