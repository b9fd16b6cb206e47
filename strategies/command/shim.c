/*
 * The shim: cleans up in a process of its own, where any call is allowed, and becomes the program that it was asked for.
 *
 *     shim FILE ARGV0 [ARGUMENT ...]
 *
 * Closes every descriptor above 2, resets signal mask and dispositions, then execs. Its own failure to exec is told as a
 * shell would: 127 for what is not there, 126 for what cannot be executed.
 */
#include "freestanding.h"

#define FIRST_DESCRIPTOR 3
#define LAST_DESCRIPTOR 1023 /* where close_range() is missing (before Linux 5.9): as far as most such loops go */
#define SIGNALS 64
#define SIG_SETMASK 2
#define ENOENT 2
#define ENOSYS 38

/* struct kernel_sigaction: handler, flags, restorer, mask. All zero is SIG_DFL. */
static const uint64_t default_action[4];
static const uint64_t no_signals;

void begin(long *stack)
{
	char **arguments = arguments_of(stack);

	if (system_call(__NR_close_range, FIRST_DESCRIPTOR, ~0U, 0, 0) == -ENOSYS)
		for (long fd = FIRST_DESCRIPTOR; fd <= LAST_DESCRIPTOR; fd++)
			system_call(__NR_close, fd, 0, 0, 0);
	for (long signal = 1; signal <= SIGNALS; signal++)
		system_call(__NR_rt_sigaction, signal, (long)default_action, 0, sizeof no_signals);
	system_call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&no_signals, 0, sizeof no_signals);
	if (stack[0] < 3)
		leave(125);
	long error = -system_call(__NR_execve, (long)arguments[1], (long)(arguments + 2), (long)environment_of(stack), 0);
	leave(error == ENOENT ? 127 : 126);
}
