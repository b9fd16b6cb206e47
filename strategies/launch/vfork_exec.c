/* vfork(), then execve() in the caller's own memory, while the caller is suspended. */
#include "../host/host.h"

#include <errno.h>
#include <unistd.h>

static void launch(struct launch *launch)
{
	/*
	 * The child returns from vfork() first, on this stack frame, and the parent a second time when it has gone: nothing
	 * that the parent needs may live in what the child writes, so the child calls one function that does not return.
	 */
	pid_t pid = vfork();

	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, errno);
	else
		launch->pid = pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "vfork_exec",
	.summary = "vfork() and execve(): shares the memory, suspends the caller until the exec",
	.traits = RUNS_CHILD_SIDE,
	.claims = SUSPENDS,
	.memory = MEMORY_SHARED,
	.launch = launch,
);
