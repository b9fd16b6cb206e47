/* clone3(CLONE_VM | CLONE_VFORK): vfork() by the newer call, on the caller's stack. */
#include "../host/clone3.h"
#include "../host/host.h"

#include <sched.h>
#include <signal.h>

static const char *supported(void)
{
	struct clone3_arguments arguments = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};

	return clone3_trial(&arguments) == 0 ? NULL : "the kernel has no clone3 (Linux 5.3), or a filter refuses it";
}

static void launch(struct launch *launch)
{
	struct clone3_arguments arguments = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};
	long pid = clone3_as_vfork(&arguments);

	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, (int)-pid);
	else
		launch->pid = (pid_t)pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "clone3_vfork",
	.summary = "clone3(CLONE_VM | CLONE_VFORK), on the caller's stack",
	.traits = RUNS_CHILD_SIDE,
	.claims = SUSPENDS | NEEDS_CLONE3,
	.memory = MEMORY_SHARED,
	.supported = supported,
	.launch = launch,
);
