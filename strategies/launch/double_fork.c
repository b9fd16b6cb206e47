/*
 * The daemon's way: a child forks the command and ends at once, so that the command is nobody's zombie. The worker is made
 * the subreaper of its orphans, for somebody must see how the command ended.
 *
 *      caller            child             command
 *      fork  --------->  fork  --------->  execve
 *      waitpid <-------  _exit
 *      waitpid <-------------------------  exit      (adopted: PR_SET_CHILD_SUBREAPER)
 */
#include "../host/host.h"
#include "../host/raw_call.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *prepare(const struct session *session)
{
	(void)session;
	return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 ? NULL : "PR_SET_CHILD_SUBREAPER";
}

static void launch(struct launch *launch)
{
	pid_t child = fork();

	if (child == 0) {
		uint64_t child_ends = (uint64_t)1 << (SIGCHLD - 1), usual;

		/* A handler that collects would take the command's status here, where nobody asks for it. */
		raw_call4(SYS_rt_sigprocmask, SIG_BLOCK, (long)&child_ends, (long)&usual, sizeof usual);
		pid_t command = fork();

		if (command == 0) {
			raw_call4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&usual, 0, sizeof usual);
			host_exec(launch);
		}
		if (command < 0)
			launch->left->spawn_error = errno;
		launch->left->pid = command;
		_exit(0);
	}
	if (child < 0) {
		host_spawn_failed(launch, errno);
		return;
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (launch->left->spawn_error != 0)
		host_spawn_failed(launch, launch->left->spawn_error);
	else if (launch->left->pid == 0)
		host_spawn_failed(launch, ECHILD); /* the one between was killed before it could fork, as by the OOM killer */
	else
		launch->pid = launch->left->pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "double_fork",
	.summary = "fork() twice, the child between ends at once: how daemons are made",
	.traits = RUNS_CHILD_SIDE,
	.memory = MEMORY_COPIED,
	.prepare = prepare,
	.launch = launch,
);
