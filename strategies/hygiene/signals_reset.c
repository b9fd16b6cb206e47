/*
 * Every signal is blocked around the launch, and the child sets every disposition to the default before it unblocks them:
 * no handler of the caller can run in the child, and the command starts with nothing ignored and nothing blocked.
 */
#include "../host/host.h"
#include "../host/settable.h"
#include "../host/raw_call.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>

#define SIGNALS 64

static sigset_t before_launch_mask;

static void before(void)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before_launch_mask);
}

static void child(void)
{
	static const uint64_t default_action[4]; /* the kernel's struct: handler SIG_DFL, flags, restorer, mask; all zero */
	static const uint64_t none;

	/* Not sigaction(): libc keeps two numbers to itself, and those are inherited ignored like others. */
	for (long signal = 1; signal <= SIGNALS; signal++)
		raw_call4(SYS_rt_sigaction, signal, (long)default_action, (long)NULL, sizeof(uint64_t));
	raw_call4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, (long)NULL, sizeof(uint64_t));
}

static int spawn(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	(void)actions;
	sigemptyset(&none);
	settable_signals(&all);
	int error = posix_spawnattr_setsigmask(attributes, &none);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	return error ? error : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static void after(void)
{
	pthread_sigmask(SIG_SETMASK, &before_launch_mask, NULL);
}

LAUNCHBENCH_HYGIENE(
	.name = "signals_reset",
	.summary = "all signals are blocked around the launch, and reset to their defaults in the child",
	.promises = NO_BLOCKED_SIGNALS | NO_IGNORED_SIGNALS,
	.before = before,
	.child = child,
	.spawn = spawn,
	.after = after,
);
