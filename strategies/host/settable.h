/* The signals whose action can be set, as posix_spawn() is told them. */
#ifndef LAUNCHBENCH_SETTABLE_H
#define LAUNCHBENCH_SETTABLE_H

#include <signal.h>

/*
 * Not what sigfillset() makes: it fills in the bits beyond the last signal as well, and posix_spawn() of glibc before 2.24
 * sets the action of one of those, of SIGKILL and of SIGSTOP, and takes what it is told for a failure: its child ends with
 * 127. What sigfillset() leaves out is libc's own.
 */
static inline void settable_signals(sigset_t *set)
{
	sigset_t every;

	sigfillset(&every);
	sigemptyset(set);
	for (int signal = 1; signal < NSIG; signal++)
		if (sigismember(&every, signal) == 1 && signal != SIGKILL && signal != SIGSTOP)
			sigaddset(set, signal);
}

#endif
