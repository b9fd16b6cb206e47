/* A server that ignores SIGPIPE launches `yes | head`: the command inherits that, and does not die where it should. */
#include "../host/hazard.h"

#include <signal.h>
#include <string.h>

static void trial(struct trial *trial)
{
	struct command probe = trial_probe(trial);
	struct inherited inherited;
	struct launch launch;

	trial_prepare(trial, &probe, 1, NULL);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		trial_not_made("SIGPIPE cannot be ignored");
	if (!trial_run(trial, &launch, 0))
		trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
	if (!trial_inherited(trial, 5000, &inherited))
		trial_failed("the probe did not say what it inherited");
	if (inherited.ignored >> (SIGPIPE - 1) & 1)
		trial_hit("the command ignores SIGPIPE: it will see EPIPE, or write for ever");
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool passed_on = !mitigation && !(strategy->claims & BEHIND_A_HELPER) && !(strategy->promises & NO_IGNORED_SIGNALS);

	return (struct oracle){passed_on ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "ignored_sigpipe",
	.summary = "the caller ignores SIGPIPE, and so does the command: `yes | head` does not end as it should",
	.source = "execve(2): ignored signals stay ignored; signal(7)",
	.mitigations = (const char *const[]){"signals_reset", NULL},
	.oracle = oracle,
	.trial = trial,
);
