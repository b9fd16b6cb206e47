/* fork() and execve(), with the footprint marked MADV_DONTFORK: the child gets no page table of it, nor its account. */
#include "../host/host.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *grown(const struct session *session)
{
	return madvise(session->footprint, session->footprint_size, MADV_DONTFORK) == 0 ? NULL : "MADV_DONTFORK";
}

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
	.name = "fork_dontfork",
	.summary = "fork() and execve(), the footprint marked MADV_DONTFORK",
	.traits = RUNS_CHILD_SIDE,
	.memory = MEMORY_COPIED,
	.grown = grown,
	.launch = launch,
);
