/* clone3(CLONE_VM | CLONE_VFORK | CLONE_PIDFD): the child comes with a descriptor, and is waited for by it. */
#include "../host/clone3.h"
#include "../host/host.h"
#include "../host/pidfd.h"

#include <sched.h>
#include <signal.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000 /* since Linux 5.2 */
#endif
static int pidfd = -1;

static const char *supported(void)
{
	struct clone3_arguments arguments = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};

	if (clone3_trial(&arguments) != 0)
		return "the kernel has no clone3 (Linux 5.3), or a filter refuses it";
	return pidfd_supported();
}

static void launch(struct launch *launch)
{
	struct clone3_arguments arguments = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = clone3_as_vfork(&arguments);

	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, (int)-pid);
	else
		launch->pid = (pid_t)pid;
}

static void reap(struct launch *launch)
{
	pidfd_reap(launch, pidfd);
}

LAUNCHBENCH_STRATEGY(
	.name = "clone3_pidfd",
	.summary = "clone3(CLONE_VM | CLONE_VFORK | CLONE_PIDFD), waited for with waitid(P_PIDFD)",
	.traits = OWN_REAPER | RUNS_CHILD_SIDE,
	.claims = SUSPENDS | NEEDS_CLONE3 | NEEDS_DESCRIPTOR,
	.memory = MEMORY_SHARED,
	.supported = supported,
	.launch = launch,
	.reap = reap,
);
