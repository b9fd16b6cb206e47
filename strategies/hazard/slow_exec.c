/*
 * A program that is slow to start, from a file server or a cold disk: who launched it stands still as long, if the child
 * runs in his memory until the exec.
 *
 *      watcher                      launching thread
 *                                   launch ---------> child: execve(slow) ...
 *      an exec waits for the file
 *      has launch() returned?
 *      or does it sleep?
 *      (the file is given free)                              ... runs
 */
#include "../host/slow_file.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATIENCE_MS 5000
/* A millisecond apart, asleep in the same call. In the one that made the child it is suspended; in another it may wait for
 * somebody who has not had a processor yet. */
#define LOOKS_SUSPENDED 3
#define LOOKS_ASLEEP 100

static pid_t launching;
static volatile bool returned;
static volatile long slept_in;

static bool makes_process(long call)
{
#ifdef SYS_vfork
	if (call == SYS_vfork)
		return true;
#endif
	return call == SYS_clone || call == 435; /* clone3(), which not every libc's headers know */
}

static void *watch(void *unused)
{
	(void)unused;
	for (int waited = 0; !slow_file_wanted(); waited++) {
		if (waited == PATIENCE_MS)
			trial_failed("no exec came to the slow file");
		pause_ms(1);
	}
	for (int looks = 0, last = -1; !returned && slept_in == 0;) {
		long call = system_call_of(launching);

		looks = call >= 0 && call == last ? looks + 1 : 0;
		last = (int)call;
		slept_in = looks == (makes_process(call) ? LOOKS_SUSPENDED : LOOKS_ASLEEP) ? call : 0;
		pause_ms(1);
	}
	if (returned)
		slept_in = 0;
	slow_file_allow();
	return NULL;
}

static void trial(struct trial *trial)
{
	pthread_t watcher;
	struct launch launch;

	slow_file_make(trial);
	struct command slow = slow_file_command();
	trial_prepare(trial, &slow, 1, NULL);
	launching = (pid_t)syscall(SYS_gettid);
	if (pthread_create(&watcher, NULL, watch, NULL) != 0)
		trial_not_made("no thread to watch");
	trial_launch(trial, &launch, 0);
	returned = true;
	pthread_join(watcher, NULL);
	trial_reap(trial, &launch);
	if (launch.stage != STAGE_NONE)
		trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
	if (slept_in)
		trial_hit("the launching thread slept in system call %ld as long as the exec waited for its file", slept_in);
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	/* system() waits for the command itself. Of the others, who is suspended until an exec waits for the command's, unless
	 * another program came first, or it is another thread that is suspended. */
	bool waits_for_all = (strategy->traits & OWN_REAPER) && !strategy->reap;
	bool suspended = (strategy->claims & SUSPENDS) && !(strategy->claims & ANOTHER_FIRST) &&
			 !(strategy->traits & RUNS_CALLER_SIDE);

	(void)mitigation;
	return (struct oracle){waits_for_all || suspended ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "slow_exec",
	.summary = "the command is slow to start, and the thread that launched it stands still as long",
	.source = "vfork(2): the calling thread is suspended until the child terminates or calls execve(2)",
	.oracle = oracle,
	.trial = trial,
);
