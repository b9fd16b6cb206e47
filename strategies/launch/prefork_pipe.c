/* A helper forked before the footprint exists; one byte each way, fork, exec and waitpid inside. */
#include "../host/byte_helper.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(const struct command *command)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execve(command->file, command->argv, command->envp);
		_exit(errno == ENOENT ? 127 : 126); /* as a shell tells "not found" from "not executable" */
	}
	if (pid < 0)
		return BYTE_HELPER_FAILED;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return BYTE_HELPER_FAILED;
	return host_status_byte(status);
}

static const char *prepare(const struct session *session)
{
	return byte_helper_start(session, run);
}

LAUNCHBENCH_STRATEGY(
	.name = "prefork_pipe",
	.summary = "a helper forked beforehand, one byte each way over pipes; fork and exec inside",
	.traits = OWN_REAPER,
	.claims = BEHIND_A_HELPER,
	.status_form = STATUS_SHELL,
	.memory = MEMORY_COPIED,
	.prepare = prepare,
	.launch = byte_helper_launch,
	.reap = byte_helper_reap,
	.settled = byte_helper_settled,
	.finish = byte_helper_finish,
);
