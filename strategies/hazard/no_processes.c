/*
 * A user who may have no more processes: every launch fails with EAGAIN, whatever it is made of. The limit counts all of the
 * user's processes, and a helper has the user and the limit of its caller: so it is no way round.
 */
#include "../host/family.h"
#include "../host/refusal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Nobody's, and another one in each trial: the limit does not bind root, and counts what others of its user have.
 * systemd's documentation (Users, Groups, UIDs and GIDs) has this range as unused. */
#define SPARE_USERS 60706
#define SPARE_COUNT 400
#define MOST_HELPERS 8

static void become_somebody(void)
{
	id_t user = SPARE_USERS + (id_t)getpid() % SPARE_COUNT;

	if (geteuid() != 0)
		return; /* the limit of 0 is below what any user has */
	if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0)
		trial_not_made("another user than root: %s", strerror(errno));
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* another user forgets it */
}

/* As if it had been so low when they were started: the caller's, and a helper's. */
static void lower_limit(const struct trial *trial)
{
	const struct rlimit none = {0, 0};
	struct member helpers[MOST_HELPERS];
	int count = family_of(getpid(), helpers, MOST_HELPERS);

	if (setrlimit(RLIMIT_NPROC, &none) != 0)
		trial_not_made("RLIMIT_NPROC: %s", strerror(errno));
	if (count <= 0 && (trial->strategy->claims & BEHIND_A_HELPER))
		trial_not_made("the kernel does not say who the helper is");
	for (int i = 0; i < count && i < MOST_HELPERS; i++)
		if (prlimit(helpers[i].pid, RLIMIT_NPROC, &none, NULL) != 0)
			trial_not_made("RLIMIT_NPROC of the helper: %s", strerror(errno));
}

static void trial(struct trial *trial)
{
	bool helper = trial->strategy->claims & BEHIND_A_HELPER;
	struct command probe = trial_probe(trial);

	if (helper)
		become_somebody();
	trial_prepare(trial, &probe, 1, NULL);
	if (!helper) /* only now: some need root to get ready */
		become_somebody();
	lower_limit(trial);
	launch_refused(trial, EAGAIN);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	(void)strategy, (void)mitigation;
	return (struct oracle){ALWAYS, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "no_processes",
	.summary = "the user has as many processes as RLIMIT_NPROC allows: a launch fails with EAGAIN, a helper's as well",
	.source = "fork(2), clone(2), getrlimit(2): EAGAIN",
	.oracle = oracle,
	.trial = trial,
);
