/* A seccomp filter that forbids new processes, as sandboxes have it: every launch fails with the filter's own errno. */
#include "../host/refusal.h"

#include <errno.h>

static void trial(struct trial *trial)
{
	struct command probe = trial_probe(trial);

	trial_prepare(trial, &probe, 1, NULL);
	refuse_new_processes(EPERM);
	launch_refused(trial, EPERM);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	(void)mitigation;
	if (strategy->claims & BEHIND_A_HELPER)
		return (struct oracle){NEVER_POSSIBLE, "the helper was forked before there was a filter"};
	return (struct oracle){ALWAYS, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "filter_refuses",
	.summary = "a seccomp filter refuses every call that makes a process: a launch fails with the filter's EPERM",
	.source = "seccomp(2), SECCOMP_RET_ERRNO",
	.oracle = oracle,
	.trial = trial,
);
