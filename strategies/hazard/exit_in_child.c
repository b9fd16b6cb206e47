/* exit() for _exit() in a child that could not exec: what the caller registered and buffered is done and written there. */
#include "../host/hazard.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT "buffered\n"
#define STATUS 7

static bool with_exit;

static void at_exit(void)
{
	trial_shared()->count[0] = getpid();
}

static void leave_child(void)
{
	if (with_exit)
		exit(STATUS);
	_exit(STATUS);
}

/* How often the text is in the file once everybody has written what he had. */
static int times_written(const char *path)
{
	char content[256] = "";
	int times = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, content, sizeof content - 1) < 0)
		trial_failed("%s cannot be read", path);
	close(fd);
	for (const char *at = content; (at = strstr(at, TEXT)) != NULL; at += strlen(TEXT))
		times++;
	return times;
}

static void trial(struct trial *trial)
{
	struct command probe = trial_probe(trial);
	struct launch launch;

	with_exit = !trial->mitigation;
	trial_prepare(trial, &probe, 1, leave_child);
	const char *path = trial_path(trial, "output");
	FILE *output = fopen(path, "we");
	if (!output || atexit(at_exit) != 0)
		trial_not_made("no stream, or no room for a function at exit");
	fputs(TEXT, output);
	trial_run(trial, &launch, 0);
	fflush(output);
	int times = times_written(path);
	pid_t where = trial_shared()->count[0];
	if (where == 0 && times == 1)
		trial_missed();
	if (where == 0 || where == getpid())
		trial_failed("the text was written %d times, and the function at exit ran in %d", times, (int)where);
	trial_hit("the caller's function at exit ran in the child; buffered text was written %d times%s", times,
		  trial->strategy->memory == MEMORY_SHARED ? ", by the child" : "");
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	if (!(strategy->traits & RUNS_CHILD_SIDE))
		return (struct oracle){NEVER_POSSIBLE, "no code of the caller's runs between the launch and the exec"};
	if (strategy->memory == MEMORY_SHARED && !(strategy->claims & SUSPENDS))
		return (struct oracle){NOT_TRIED, "the child runs beside its caller on one thread's own memory: exit() would "
						  "end what its caller is in the middle of"};
	return (struct oracle){mitigation ? NEVER : ALWAYS, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "exit_in_child",
	.summary = "the child of a failed exec calls exit(): the caller's buffers and functions at exit are the child's too",
	.source = "POSIX.1-2017, exit() and _exit(): functions registered by atexit(), streams with unwritten data; vfork(2)",
	.mitigations = (const char *const[]){"_exit", NULL},
	.oracle = oracle,
	.trial = trial,
);
