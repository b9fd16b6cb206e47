/*
 * A descriptor that another thread opens during a launch, and marks close-on-exec only afterwards: between the two calls
 * every launch passes it on. Here the launch falls between them by construction.
 */
#include "../host/hazard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define NUMBER 300 /* no other descriptor has it */

static bool at_once;

static void *open_one(void *unused)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)unused;
	if (fd < 0 || dup3(fd, NUMBER, at_once ? O_CLOEXEC : 0) < 0)
		trial_not_made("descriptor %d: %s", NUMBER, strerror(errno));
	/* fcntl(NUMBER, F_SETFD, FD_CLOEXEC) would be next */
	return NULL;
}

static void trial(struct trial *trial)
{
	struct command probe = trial_probe(trial);
	struct inherited inherited;
	struct launch launch;
	pthread_t opener;

	at_once = mitigated_by(trial, "o_cloexec");
	trial_prepare(trial, &probe, 1, NULL);
	if (pthread_create(&opener, NULL, open_one, NULL) != 0)
		trial_not_made("no thread to open a file");
	pthread_join(opener, NULL);
	if (!trial_run(trial, &launch, 0))
		trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
	if (!trial_inherited(trial, 5000, &inherited))
		trial_failed("the probe did not say what it inherited");
	if (has_descriptor(&inherited, NUMBER))
		trial_hit("the command has descriptor %d of its caller: %s", NUMBER, inherited.descriptors);
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool passed_on = !mitigation && !(strategy->claims & BEHIND_A_HELPER) && !(strategy->promises & NO_DESCRIPTORS);

	return (struct oracle){passed_on ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "inherited_descriptor",
	.summary = "another thread opens a file during the launch, to mark it close-on-exec afterwards: the command has it",
	.source = "open(2), O_CLOEXEC: a race between fcntl(FD_CLOEXEC) and a fork and execve in another thread",
	.mitigations = (const char *const[]){"o_cloexec", "close_range", "close_range_cloexec", "closefrom", NULL},
	.oracle = oracle,
	.trial = trial,
);
