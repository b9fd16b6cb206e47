/* The table of collected statuses, by pid; and the reapers' common part that waits for a handler of SIGCHLD. */
#include "internal.h"
#include "statuses.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define SLOTS (2 * MOST_STATUSES)
#define REACH 64    /* pids are handed out in sequence, so neighbours are all that ever collide */

static struct slot {
	_Atomic pid_t pid; /* 0: free; written last, read first */
	_Atomic int status;
	_Atomic int64_t when; /* a pid comes back after a while: what was put before the launch is somebody else's */
} slots[SLOTS];

static struct slot *slot_at(pid_t pid, unsigned step)
{
	return &slots[((unsigned)pid + step) % SLOTS];
}

void statuses_put(pid_t pid, int status)
{
	struct slot *slot = slot_at(pid, 0);

	/* Where nothing is free, the oldest goes: nobody asked for it, as for a strategy's own child in between. */
	for (unsigned step = 0; step < REACH && atomic_load(&slot->pid) != 0; step++) {
		struct slot *other = slot_at(pid, step);

		if (atomic_load(&other->pid) == 0 || atomic_load(&other->when) < atomic_load(&slot->when))
			slot = other;
	}
	atomic_store(&slot->pid, 0);
	atomic_store(&slot->status, status);
	atomic_store(&slot->when, now());
	atomic_store(&slot->pid, pid);
}

bool statuses_take(struct launch *launch)
{
	for (unsigned step = 0; step < REACH; step++) {
		struct slot *slot = slot_at(launch->pid, step);

		if (atomic_load(&slot->pid) == launch->pid && atomic_load(&slot->when) >= launch->called) {
			host_reaped(launch, atomic_load(&slot->status));
			atomic_store(&slot->pid, 0);
			return true;
		}
	}
	return false;
}

int statuses_collect(void)
{
	int status, count = 0;
	pid_t pid;

	for (; (pid = waitpid(-1, &status, WNOHANG)) > 0; count++)
		statuses_put(pid, status);
	return count;
}

const char *sigchld_start(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	return sigaction(SIGCHLD, &action, NULL) == 0 ? NULL : "sigaction(SIGCHLD)";
}

/*
 * A child that has ended, that nobody has collected, and no signal is on its way: its signal was one of several that became
 * one. The kernel makes a zombie and sends its signal under one lock (kernel/exit.c, exit_notify), so who sees the first and
 * not the second has missed it.
 *
 * Called with SIGCHLD blocked. True when the status will never come, and the launch says so.
 */
static bool missed(struct launch *launch)
{
	siginfo_t ended = {0};
	sigset_t pending;

	if (waitid(P_PID, (id_t)launch->pid, &ended, WEXITED | WNOWAIT | WNOHANG) != 0) {
		host_status_lost(launch, errno); /* ECHILD: somebody else has it */
		return true;
	}
	if (ended.si_pid != launch->pid || sigpending(&pending) != 0 || sigismember(&pending, SIGCHLD))
		return false;
	host_status_lost(launch, 0);
	return true;
}

void sigchld_reap(struct launch *launch)
{
	sigset_t child_ends, usual;

	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ends, &usual);
	while (!statuses_take(launch) && !missed(launch))
		sigsuspend(&usual);
	sigprocmask(SIG_SETMASK, &usual, NULL);
}
