/*
 * A handler of SIGCHLD that reaps whatever has ended takes the statuses that library calls and others wait for. Mitigated, it
 * reaps by number the children that the program has started itself.
 */
#include "../host/hazard.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 5000

static volatile sig_atomic_t reaped, told;
static volatile pid_t own; /* a child of the program's own, which its handler is there for */
static bool all;

static void on_child(int signal)
{
	int saved = errno;

	(void)signal;
	while (waitpid(all ? -1 : own, NULL, WNOHANG) > 0)
		reaped++;
	told = 1;
	errno = saved;
}

/* The handler does what it is for, or nothing is tried here. */
static void let_handler_reap(void)
{
	sigset_t child, before;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before); /* the handler must know whom it reaps */
	own = fork();
	if (own == 0)
		_exit(0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	for (int waited = 0; own > 0 && reaped == 0 && waited < PATIENCE_MS; waited++)
		pause_ms(1);
	if (reaped == 0)
		trial_not_made("the handler did not reap the program's own child");
	told = 0;
}

/* Where the child is known by its number, that child; a signal may have come for another, made on the way to it. */
static bool has_ended(const struct launch *launch)
{
	siginfo_t ended = {0};

	if (launch->pid == 0)
		return told;
	return waitid(P_PID, (id_t)launch->pid, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0;
}

static void trial(struct trial *trial)
{
	bool own_child = !(trial->strategy->claims & BEHIND_A_HELPER) || !(trial->strategy->traits & OWN_REAPER);
	bool waits_inside = (trial->strategy->traits & OWN_REAPER) && !trial->strategy->reap;
	struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
	struct command probe = trial_probe(trial);
	struct launch launch;

	all = !mitigated_by(trial, "own_children_only");
	trial_prepare(trial, &probe, 1, NULL);
	if (sigaction(SIGCHLD, &action, NULL) != 0)
		trial_not_made("a handler: %s", strerror(errno));
	let_handler_reap();
	trial_launch(trial, &launch, 0);
	if (launch.stage != STAGE_NONE)
		trial_failed("%s came at %s", strerror(launch.error), stage_name(launch.stage));
	/* The command ends before anybody waits for it: what may happen always does here. */
	for (int waited = 0; own_child && !waits_inside && !has_ended(&launch); waited++) {
		if (waited == PATIENCE_MS)
			trial_not_made("the command did not end before it was waited for");
		pause_ms(1);
	}
	trial_reap(trial, &launch);
	if (launch.stage == STAGE_WAIT && launch.error == ECHILD)
		trial_hit("the handler had reaped the command, and who waited for it is told ECHILD");
	if (launch.stage != STAGE_NONE || launch.status != 0)
		trial_failed("%s came at %s, status %d", strerror(launch.error), stage_name(launch.stage), launch.status);
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool behind = (strategy->claims & BEHIND_A_HELPER) && (strategy->traits & OWN_REAPER);
	/* system() has SIGCHLD blocked while it waits (POSIX.1-2017, system()). */
	bool waits_inside = (strategy->traits & OWN_REAPER) && !strategy->reap;

	if (mitigation || behind || waits_inside)
		return (struct oracle){NEVER, NULL};
	/* Its thread is in waitpid() when the command ends: who is first is the scheduler's choice. */
	if (strategy->traits & RUNS_CALLER_SIDE)
		return (struct oracle){UNSAID, NULL};
	return (struct oracle){ALWAYS, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "reap_all",
	.summary = "a handler reaps every child with waitpid(-1): whoever waits for one, as pclose() does, gets ECHILD",
	.source = "POSIX.1-2017, pclose(): ECHILD when the status was unavailable; wait(2)",
	.mitigations = (const char *const[]){"own_children_only", NULL},
	.oracle = oracle,
	.trial = trial,
);
