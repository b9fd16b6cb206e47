/*
 * SIGCHLD is blocked in the caller around the launch, so that its handler sees no child that the program does not know yet.
 * The child gets the mask of before: a blocked signal is inherited over the exec, and few commands expect one.
 */
#include "../host/host.h"
#include "../host/raw_call.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>

static sigset_t before_launch_mask;

static void before(void)
{
	sigset_t child_ends;

	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child_ends, &before_launch_mask);
}

static void child(void)
{
	raw_call4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before_launch_mask, (long)NULL, sizeof(uint64_t));
}

static int spawn(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
	sigset_t usual;

	(void)actions;
	pthread_sigmask(SIG_BLOCK, NULL, &usual); /* what it is outside of a launch */
	int error = posix_spawnattr_setsigmask(attributes, &usual);
	return error ? error : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK);
}

static void after(void)
{
	pthread_sigmask(SIG_SETMASK, &before_launch_mask, NULL);
}

LAUNCHBENCH_HYGIENE(
	.name = "sigchld_blocked",
	.summary = "SIGCHLD is blocked around the launch, and the child gets the mask of before",
	.promises = NO_BLOCKED_SIGNALS,
	.before = before,
	.child = child,
	.spawn = spawn,
	.after = after,
);
