/* clone(CLONE_VM | CLONE_VFORK) on a stack of its own: what posix_spawn() does inside, without what it does around it. */
#include "../host/host.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)32 << 10)

static char stack[STACK_SIZE] __attribute__((aligned(16)));

static int child(void *launch)
{
	host_exec(launch);
}

static void launch(struct launch *launch)
{
	pid_t pid = clone(child, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, launch);

	if (pid < 0)
		host_spawn_failed(launch, errno);
	else
		launch->pid = pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "clone_vm_vfork",
	.summary = "clone(CLONE_VM | CLONE_VFORK) on a stack of its own",
	.traits = RUNS_CHILD_SIDE,
	.claims = SUSPENDS,
	.memory = MEMORY_SHARED,
	.launch = launch,
);
