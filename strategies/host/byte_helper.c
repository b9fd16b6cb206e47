/*
 * A helper that is told to run a command by one byte, the command's number, and answers with one byte, its status as a
 * shell's `$?`. The plumbing; what the helper does for a command is the strategy's. 125 is the helper's own failure, as
 * with env(1), timeout(1) and nohup(1).
 */
#include "byte_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t helper;
static int to_helper = -1, from_helper = -1;

static bool read_byte(int fd, unsigned char *byte)
{
	ssize_t n;

	do
		n = read(fd, byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

static bool write_byte(int fd, unsigned char byte)
{
	ssize_t n;

	do
		n = write(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

static _Noreturn void serve(int in, int out, const struct command *commands, int (*run)(const struct command *))
{
	unsigned char index;

	if (!write_byte(out, 0)) /* it serves from now on, and holds no more than it needs */
		_exit(0);
	while (read_byte(in, &index))
		if (!write_byte(out, (unsigned char)run(&commands[index])))
			break;
	_exit(0);
}

const char *byte_helper_start(const struct session *session, int (*run)(const struct command *))
{
	int requests[2], answers[2];

	if (session->command_count > 256) {
		errno = E2BIG;
		return "one byte names at most 256 commands";
	}
	if (pipe2(requests, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0)
		return "pipe";
	helper = host_fork_helper();
	if (helper < 0)
		return "fork of the helper";
	if (helper == 0) {
		/* Its own ends only: with a copy of the caller's it would never see the end of the requests. */
		close(requests[1]);
		close(answers[0]);
		serve(requests[0], answers[1], session->commands, run);
	}
	close(requests[0]);
	close(answers[1]);
	/* A helper that has died is a failed launch, EPIPE, and no death. Its commands are not this process's children. */
	signal(SIGPIPE, SIG_IGN);
	to_helper = requests[1];
	from_helper = answers[0];
	unsigned char hello;
	return read_byte(from_helper, &hello) ? NULL : "the helper's first word";
}

void byte_helper_launch(struct launch *launch)
{
	if (!write_byte(to_helper, (unsigned char)launch->command_index))
		host_spawn_failed(launch, errno);
}

bool byte_helper_settled(void)
{
	struct pollfd answers = {.fd = from_helper, .events = POLLIN};

	return poll(&answers, 1, 0) > 0;
}

void byte_helper_reap(struct launch *launch)
{
	unsigned char byte;

	errno = 0;
	if (!read_byte(from_helper, &byte)) {
		host_status_lost(launch, errno ? errno : EPIPE);
		return;
	}
	launch->has_status = true;
	launch->status = byte << 8; /* what WEXITSTATUS undoes */
}

void byte_helper_finish(void)
{
	close(to_helper);
	close(from_helper);
	while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
		;
}
