/* A sibling that was launched while a pipe was open has its writing end too: whoever reads it never sees its end. */
#include "../host/hazard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 5000

static struct trial *subject;
static struct launch sibling;

/* In a thread: system() comes back only when the sibling has ended. */
static void *launch_sibling(void *unused)
{
	(void)unused;
	trial_run(subject, &sibling, 0);
	return NULL;
}

static void trial(struct trial *trial)
{
	struct command probe = trial_held_probe(trial);
	struct inherited inherited;
	pthread_t launcher;
	int ends[2];

	subject = trial;
	trial_prepare(trial, &probe, 1, NULL);
	if (pipe2(ends, mitigated_by(trial, "o_cloexec") ? O_CLOEXEC : 0) != 0)
		trial_not_made("pipe: %s", strerror(errno));
	if (pthread_create(&launcher, NULL, launch_sibling, NULL) != 0)
		trial_not_made("no thread to launch in");
	if (!trial_inherited(trial, 5000, &inherited))
		trial_failed("the sibling does not run: failed at %s: %s", stage_name(sibling.stage), strerror(sibling.error));
	close(ends[1]); /* the last writer, as far as this program knows */
	struct pollfd reader = {.fd = ends[0], .events = POLLIN};
	/* The sibling says itself what it has. Where it has not, who made it may have to end yet, as the first child of a double fork. */
	int patience = has_descriptor(&inherited, ends[1]) ? 0 : PATIENCE_MS;
	bool at_end = poll(&reader, 1, patience) == 1 && (reader.revents & POLLHUP);
	trial_release();
	pthread_join(launcher, NULL);
	if (!at_end)
		trial_hit("the writing end was closed, and the pipe has not ended: the sibling has descriptors %s",
			  inherited.descriptors);
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool passed_on = !mitigation && !(strategy->claims & BEHIND_A_HELPER) && !(strategy->promises & NO_DESCRIPTORS);

	return (struct oracle){passed_on ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "inherited_pipe_end",
	.summary = "a sibling was launched while a pipe was open, and has its writing end: its reader sees no end of file",
	.source = "pipe(7): end of file when all descriptors of the write end are closed; pipe(2), O_CLOEXEC",
	.mitigations = (const char *const[]){"o_cloexec", "close_range", NULL},
	.oracle = oracle,
	.trial = trial,
);
