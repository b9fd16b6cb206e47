/*
 * A process whose descriptor table is full: what needs one to launch cannot launch. Against it a program keeps some that it
 * gives up for the launch.
 */
#include "../host/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TABLE 256
#define SPARE 4 /* more than any launch opens */

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
	if (mitigated_by(trial, "spare_descriptors"))
		for (int fd = TABLE - SPARE; fd < TABLE; fd++)
			close(fd);
	launch_refused(trial, EMFILE);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool needs = strategy->claims & NEEDS_DESCRIPTOR;

#ifndef __GLIBC__
	/* musl's posix_spawn(), and with it system(), learns of a failed exec through a pipe (src/process/posix_spawn.c). */
	needs |= !(strategy->traits & RUNS_CHILD_SIDE) && !(strategy->claims & BEHIND_A_HELPER);
#endif
	return (struct oracle){needs && !mitigation ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "no_descriptors",
	.summary = "the caller's table of descriptors is full: a launch that needs one fails with EMFILE",
	.source = "popen(3), clone(2) with CLONE_PIDFD, getrlimit(2): EMFILE",
	.mitigations = (const char *const[]){"spare_descriptors", NULL},
	.oracle = oracle,
	.trial = trial,
);
