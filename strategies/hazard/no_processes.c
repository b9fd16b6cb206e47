/* A user who may have no more processes: every launch fails with EAGAIN, whatever it is made of. */
#include "../host/refusal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define SPARE_USER 64999 /* nobody: the limit does not bind root, nor should it bind somebody who is there */

static void become_somebody(void)
{
	if (geteuid() != 0)
		return; /* the limit of 0 is below what any user has */
	if (setresgid(SPARE_USER, SPARE_USER, SPARE_USER) != 0 || setresuid(SPARE_USER, SPARE_USER, SPARE_USER) != 0)
		trial_not_made("another user than root: %s", strerror(errno));
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* another user forgets it */
}

static void trial(struct trial *trial)
{
	struct rlimit none = {0, 0};
	struct command probe = trial_probe(trial);

	trial_prepare(trial, &probe, 1, NULL);
	become_somebody();
	if (setrlimit(RLIMIT_NPROC, &none) != 0)
		trial_not_made("RLIMIT_NPROC: %s", strerror(errno));
	launch_refused(trial, EAGAIN);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	(void)mitigation;
	if (strategy->claims & BEHIND_A_HELPER)
		return (struct oracle){NEVER_POSSIBLE, "the helper has the limits, and the user, of the time when it was forked"};
	return (struct oracle){ALWAYS, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "no_processes",
	.summary = "RLIMIT_NPROC is reached: a launch fails with EAGAIN before any process is there",
	.source = "fork(2), clone(2), getrlimit(2): EAGAIN",
	.oracle = oracle,
	.trial = trial,
);
