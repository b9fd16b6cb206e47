/* fork(), then execve() in the copy: the way of the textbooks. */
#include "../host/host.h"

#include <errno.h>
#include <unistd.h>

static void launch(struct launch *launch)
{
	pid_t pid = fork();

	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, errno);
	else
		launch->pid = pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "fork_exec",
	.summary = "fork() and execve(): copies the page tables, and in mode 2 asks for the footprint again",
	.traits = RUNS_CHILD_SIDE,
	.memory = MEMORY_COPIED,
	.launch = launch,
);
