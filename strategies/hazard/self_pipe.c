/*
 * The self-pipe trick writes to a pipe in a signal handler. A child that runs its caller's handler, because the signal came
 * between the launch and the exec, writes to the very same pipe: the caller reads of a signal that it never got.
 *
 * Where the child runs the caller's code, it is sent the signal there. Where it does not, a thread sends signals to the whole
 * process group without a pause, as a terminal does with one.
 */
#include "../host/hazard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LAUNCHES_IN_STORM 4

static int self_pipe[2];
static volatile bool over;

static void handler(int signal)
{
	int saved = errno;
	pid_t pid = getpid();

	(void)signal;
	if (write(self_pipe[1], &pid, sizeof pid) < 0 && errno != EAGAIN)
		trial_shared()->count[0] = errno;
	errno = saved;
}

static void take_signal(void)
{
	kill(getpid(), SIGURG);
}

static void *storm(void *unused)
{
	(void)unused;
	while (!over)
		kill(0, SIGURG);
	return NULL;
}

/* A writer other than this process, or 0. */
static pid_t stranger(void)
{
	pid_t writer, found = 0;

	while (read(self_pipe[0], &writer, sizeof writer) == (ssize_t)sizeof writer)
		if (writer != getpid())
			found = writer;
	return found;
}

static void trial(struct trial *trial)
{
	bool constructed = trial->strategy->traits & RUNS_CHILD_SIDE;
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct command probe = trial_probe(trial);
	struct launch launch;
	pthread_t sender;
	pid_t found = 0;

	trial_prepare(trial, &probe, 1, constructed ? take_signal : NULL);
	/* After a helper was forked: it never had the handler. */
	if (pipe2(self_pipe, O_NONBLOCK | O_CLOEXEC) != 0 || sigaction(SIGURG, &action, NULL) != 0)
		trial_not_made("a pipe and a handler: %s", strerror(errno));
	if (!constructed && pthread_create(&sender, NULL, storm, NULL) != 0)
		trial_not_made("no thread to send signals");
	for (int i = 0; i < (constructed ? 1 : LAUNCHES_IN_STORM) && found == 0; i++) {
		if (!trial_run(trial, &launch, 0))
			trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
		found = stranger();
	}
	over = true;
	if (found != 0)
		trial_hit("process %d, not the caller, wrote to the caller's self-pipe", (int)found);
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool handler_is_there = !(strategy->claims & (CLEARS_HANDLERS | BEHIND_A_HELPER)) && !mitigation;

	return (struct oracle){handler_is_there ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "self_pipe",
	.summary = "a signal comes between launch and exec, and the child runs the caller's handler: it writes to his self-pipe",
	.source = "fork(2): the child inherits signal dispositions; D. J. Bernstein, The self-pipe trick",
	.mitigations = (const char *const[]){"signals_reset", NULL},
	.oracle = oracle,
	.trial = trial,
);
