/* clone3(CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND): no handler of the caller can run in the child. */
#include "../host/clone3.h"
#include "../host/host.h"

#include <sched.h>
#include <signal.h>

#define FLAGS (CLONE_VM | CLONE_VFORK | CLONE3_CLEAR_SIGHAND)

static const char *supported(void)
{
	struct clone3_arguments arguments = {.flags = FLAGS, .exit_signal = SIGCHLD};

	return clone3_trial(&arguments) == 0 ? NULL : "the kernel has no CLONE_CLEAR_SIGHAND (Linux 5.5), or a filter refuses it";
}

static void launch(struct launch *launch)
{
	struct clone3_arguments arguments = {.flags = FLAGS, .exit_signal = SIGCHLD};
	long pid = clone3_as_vfork(&arguments);

	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, (int)-pid);
	else
		launch->pid = (pid_t)pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "clone3_clear_sighand",
	.summary = "clone3(CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND): the child has no handlers",
	.traits = RUNS_CHILD_SIDE,
	.claims = SUSPENDS | CLEARS_HANDLERS | NEEDS_CLONE3,
	.memory = MEMORY_SHARED,
	.supported = supported,
	.launch = launch,
);
