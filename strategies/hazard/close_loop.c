/* Closing 3 to 1023 before the exec, as programs do that were written when nobody had more: what is higher stays open. */
#include "../host/hazard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOW 300
#define HIGH 2000

static void close_to_1023(void)
{
	for (int fd = 3; fd <= 1023; fd++)
		close(fd);
}

static void trial(struct trial *trial)
{
	struct command probe = trial_probe(trial);
	struct inherited inherited;
	struct launch launch;

	trial_prepare(trial, &probe, 1, trial->mitigation ? NULL : close_to_1023);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, LOW) < 0 || dup2(fd, HIGH) < 0)
		trial_not_made("descriptor %d: %s (RLIMIT_NOFILE)", HIGH, strerror(errno));
	if (!trial_run(trial, &launch, 0))
		trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
	if (!trial_inherited(trial, 5000, &inherited))
		trial_failed("the probe did not say what it inherited");
	if (has_descriptor(&inherited, LOW))
		trial_failed("descriptor %d was not closed either: %s", LOW, inherited.descriptors);
	if (has_descriptor(&inherited, HIGH))
		trial_hit("the command has descriptor %d, and not %d: %s", HIGH, LOW, inherited.descriptors);
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	if (!(strategy->traits & RUNS_CHILD_SIDE) && !mitigation)
		return (struct oracle){NEVER_POSSIBLE, "no code of the caller's runs between the launch and the exec: there is no "
						       "such loop"};
	return (struct oracle){mitigation || (strategy->promises & NO_DESCRIPTORS) ? NEVER : ALWAYS, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "close_loop",
	.summary = "the child closes descriptors 3 to 1023 before it execs: higher ones are left to the command",
	.source = "getrlimit(2), RLIMIT_NOFILE; close_range(2)",
	.mitigations = (const char *const[]){"close_range", "closefrom", "close_to_limit", "close_proc_fd", NULL},
	.oracle = oracle,
	.trial = trial,
);
