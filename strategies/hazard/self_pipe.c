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
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PIPE_SIZE (1 << 20)
#define LEAST_IN_STORM 4
#define MOST_IN_STORM 400

static int self_pipe[2];
static volatile bool storming, resting;
static volatile unsigned sent; /* by the storm */
static volatile sig_atomic_t handled;

static void handler(int signal)
{
	int saved = errno;
	pid_t pid = getpid();

	(void)signal;
	handled = 1;
	if (write(self_pipe[1], &pid, sizeof pid) < 0 && errno != EAGAIN)
		trial_shared()->count[0] = errno;
	errno = saved;
}

static void take_signal(void)
{
	if (kill(getpid(), SIGURG) == 0)
		trial_shared()->count[1]++;
}

static void *storm(void *unused)
{
	(void)unused;
	for (;;)
		if ((resting = !storming))
			sched_yield();
		else if (kill(0, SIGURG) == 0)
			sent++;
	return NULL;
}

/* The caller has had one of its signals when it launches. */
static void begin_storm(bool constructed)
{
	handled = constructed;
	storming = !constructed;
	while (!handled)
		sched_yield();
}

/* Nobody must write to the pipe while it is read to its end. */
static void end_storm(bool constructed)
{
	storming = false;
	while (!constructed && !resting)
		sched_yield();
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
	unsigned fell_in = 0; /* signals, while a launch was under way */
	pid_t found = 0;

	trial_prepare(trial, &probe, 1, constructed ? take_signal : NULL);
	/* After a helper was forked: it never had the handler. */
	if (pipe2(self_pipe, O_NONBLOCK | O_CLOEXEC) != 0 || sigaction(SIGURG, &action, NULL) != 0)
		trial_not_made("a pipe and a handler: %s", strerror(errno));
	fcntl(self_pipe[1], F_SETPIPE_SZ, PIPE_SIZE); /* a full pipe would hide a writer */
	if (!constructed && pthread_create(&sender, NULL, storm, NULL) != 0)
		trial_not_made("no thread to send signals");
	int least = constructed ? 1 : LEAST_IN_STORM, most = constructed ? 1 : MOST_IN_STORM;
	/* Until a signal was sent while a launch was under way: who sends them may not get a processor at once. */
	for (int i = 0; found == 0 && (i < least || (fell_in == 0 && i < most)); i++) {
		begin_storm(constructed);
		unsigned before = sent;
		if (!trial_run(trial, &launch, 0))
			trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
		fell_in += sent - before;
		end_storm(constructed);
		found = stranger();
	}
	if (constructed ? trial_shared()->count[1] == 0 : fell_in == 0)
		trial_not_made("no signal came between a launch and its end");
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
