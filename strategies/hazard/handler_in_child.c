/* A handler of the caller's that runs in a child of vfork() runs in the caller's memory, though the caller got no signal. */
#include "../host/hazard.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t handled; /* in memory that only the caller's process has, or so it believes */

static void handler(int signal)
{
	(void)signal;
	handled++;
}

static void take_signal(void)
{
	if (kill(getpid(), SIGURG) == 0)
		trial_shared()->count[0]++;
}

static void trial(struct trial *trial)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct command probe = trial_probe(trial);
	struct launch launch;

	trial_prepare(trial, &probe, 1, take_signal);
	if (sigaction(SIGURG, &action, NULL) != 0)
		trial_not_made("a handler: %s", strerror(errno));
	if (!trial_run(trial, &launch, 0))
		trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
	if (trial_shared()->count[0] == 0)
		trial_not_made("no child sent itself a signal");
	if (handled != 0)
		trial_hit("the child was sent a signal, and the caller's memory says that a handler ran %d times", (int)handled);
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	if (!(strategy->traits & RUNS_CHILD_SIDE))
		return (struct oracle){NEVER_POSSIBLE, "between the launch and the exec the child has no handler of the caller's"};
	if (mitigation || strategy->memory == MEMORY_COPIED || (strategy->claims & CLEARS_HANDLERS))
		return (struct oracle){NEVER, NULL};
	return (struct oracle){ALWAYS, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "handler_in_child",
	.summary = "a signal is sent to the child before its exec, and the caller's handler runs there, in the caller's memory",
	.source = "vfork(2), CAVEATS: handlers that are invoked in the child process leave the parent's memory inconsistent",
	.mitigations = (const char *const[]){"signals_reset", NULL},
	.oracle = oracle,
	.trial = trial,
);
