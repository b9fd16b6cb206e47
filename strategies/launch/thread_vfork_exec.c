/* vfork() and execve() in a thread of the program: the thread that wanted the command goes on. */
#include "../host/host.h"
#include "../host/launch_thread.h"

#include <errno.h>
#include <unistd.h>

static void launch_in_thread(struct launch *launch)
{
	pid_t pid = vfork();

	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, errno);
	else
		launch->pid = pid;
}

static const char *prepare(const struct session *session)
{
	(void)session;
	return launch_thread_start(launch_in_thread);
}

LAUNCHBENCH_STRATEGY(
	.name = "thread_vfork_exec",
	.summary = "vfork() and execve() in a thread of its own: only that thread waits",
	.traits = OWN_REAPER | RUNS_CHILD_SIDE | RUNS_CALLER_SIDE,
	.claims = SUSPENDS,
	.memory = MEMORY_SHARED,
	.prepare = prepare,
	.launch = launch_thread_launch,
	.reap = launch_thread_reap,
	.settled = launch_thread_settled,
	.finish = launch_thread_finish,
);
