/* A process whose descriptor table is full: what needs one to launch cannot launch. */
#include "../host/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#define TABLE 256

static void fill_table(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < TABLE)
		trial_not_made("RLIMIT_NOFILE is less than %d", TABLE);
	limit.rlim_cur = TABLE;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	if (errno != EMFILE)
		trial_not_made("/dev/null: %s", strerror(errno));
}

static void trial(struct trial *trial)
{
	struct command probe = trial_probe(trial);

	trial_prepare(trial, &probe, 1, NULL);
	fill_table();
	launch_refused(trial, EMFILE);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool needs = strategy->claims & NEEDS_DESCRIPTOR;

	(void)mitigation;
#ifndef __GLIBC__
	/* musl's posix_spawn(), and with it system(), learns of a failed exec through a pipe (src/process/posix_spawn.c). */
	needs |= !(strategy->traits & RUNS_CHILD_SIDE) && !(strategy->claims & BEHIND_A_HELPER);
#endif
	return (struct oracle){needs ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "no_descriptors",
	.summary = "the caller's table of descriptors is full: a launch that needs one fails with EMFILE",
	.source = "popen(3), clone(2) with CLONE_PIDFD, getrlimit(2): EMFILE",
	.oracle = oracle,
	.trial = trial,
);
