/*
 * exit() for _exit() in a child whose exec has failed: what the caller registered and buffered is done and written there. By a
 * fork's child it is so a second time; by one in the caller's memory once, and the caller has nothing left to do.
 */
#include "../host/hazard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT "buffered\n"
#define STATUS 7

/* What processes tell each other (trial_shared()). */
enum told { CALLER, EXEC_ERROR, RAN_IN_CHILD, RAN_IN_CALLER };

static bool with_exit;
static const char *missing;

static void at_exit(void)
{
	volatile int *told = trial_shared()->count;

	told[getpid() == told[CALLER] ? RAN_IN_CALLER : RAN_IN_CHILD]++;
}

/* Child's side. */
static void fail_and_leave(void)
{
	char *const argv[] = {(char *)(uintptr_t)missing, NULL};

	execve(missing, argv, environ);
	trial_shared()->count[EXEC_ERROR] = errno;
	if (with_exit)
		exit(STATUS);
	_exit(STATUS);
}

/* What the caller's exit() would do now, done by a copy of it. */
static void exit_as_caller(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		trial_shared()->count[CALLER] = getpid();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		trial_not_made("a process to end as the caller would: %s", strerror(errno));
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
	volatile int *told = trial_shared()->count;
	struct launch launch;

	with_exit = !trial->mitigation;
	missing = trial_path(trial, "missing");
	trial_prepare(trial, &probe, 1, fail_and_leave);
	const char *path = trial_path(trial, "output");
	FILE *output = fopen(path, "we");
	if (!output || atexit(at_exit) != 0)
		trial_not_made("no stream, or no room for a function at exit");
	told[CALLER] = getpid();
	fputs(TEXT, output);
	trial_run(trial, &launch, 0);
	if (told[EXEC_ERROR] != ENOENT)
		trial_not_made("no child came to an exec that fails");
	/* It is known already; and where exit() keeps a lock for good, the caller shares it now, and its copy would hang. */
	if (told[RAN_IN_CHILD] != 0 && trial->strategy->memory == MEMORY_SHARED)
		trial_hit("the caller's function at exit ran in the child, in the caller's memory");
	exit_as_caller();
	int times = times_written(path);
	if (told[RAN_IN_CHILD] == 0 && told[RAN_IN_CALLER] == 1 && times == 1)
		trial_missed();
	trial_hit("the caller's function at exit ran %d times in the child and %d times in the caller; its text was written %d "
		  "times", told[RAN_IN_CHILD], told[RAN_IN_CALLER], times);
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
	.summary = "a child whose exec failed calls exit(): it writes the caller's buffers and runs the functions at exit",
	.source = "POSIX.1-2017, exit() and _exit(): functions registered by atexit(), streams with unwritten data; vfork(2)",
	.mitigations = (const char *const[]){"_exit", NULL},
	.oracle = oracle,
	.trial = trial,
);
