/* A thread that has signals blocked, as threads of servers do, launches a command: nobody can stop it with SIGTERM. */
#include "../host/shell_signals.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

static void trial(struct trial *trial)
{
	struct command probe = trial_probe(trial);
	struct inherited inherited;
	struct launch launch;
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	/* A thread of the strategy's own has the mask of its creator; a helper that must not inherit it has been asked for too. */
	if (!(trial->strategy->claims & BEHIND_A_HELPER))
		pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	trial_prepare(trial, &probe, 1, NULL);
	if (pthread_sigmask(SIG_BLOCK, &blocked, NULL) != 0)
		trial_not_made("SIGTERM cannot be blocked");
	if (!trial_run(trial, &launch, 0))
		trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
	if (!trial_inherited(trial, 5000, &inherited))
		trial_failed("the probe did not say what it inherited");
	if (inherited.blocked >> (SIGTERM - 1) & 1)
		trial_hit("the command has SIGTERM blocked: only SIGKILL ends it");
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool passed_on = !mitigation && !(strategy->claims & BEHIND_A_HELPER) && !(strategy->promises & NO_BLOCKED_SIGNALS);

	/* A shell comes first, and what it does with its mask is its own affair: dash clears it, bash does not. The shim promises. */
	if (passed_on && (strategy->claims & ANOTHER_FIRST))
		return oracle_behind_shell(SIGTERM_BLOCKED);
	return (struct oracle){passed_on ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "blocked_signals",
	.summary = "the launching thread has SIGTERM blocked, and so has the command: it cannot be asked to end",
	.source = "sigprocmask(2), execve(2): the signal mask is preserved; posix_spawnattr_setsigmask(3)",
	.mitigations = (const char *const[]){"signals_reset", NULL},
	.oracle = oracle,
	.trial = trial,
);
