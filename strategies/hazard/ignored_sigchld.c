/*
 * A caller that ignores SIGCHLD, so as to have no zombies, launches a Python program: that inherits it, its own children
 * are buried by the kernel, and subprocess takes the status that is not there any more for 0.
 */
#include "../host/shell_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT                                                                                                         \
	"import subprocess, sys\n"                                                                                     \
	"status = subprocess.call(['/bin/sh', '-c', 'exit 3'])\n"                                                      \
	"with open(sys.argv[1], 'w') as file: file.write(str(status))\n"
#define PATIENCE_MS 5000

/* What the script wrote, or -1. */
static int read_status(const char *path)
{
	char text[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return -1;
	text[length] = '\0';
	return atoi(text);
}

static void trial(struct trial *trial)
{
	const char *path = trial_path(trial, "status");
	struct launch launch;

	if (!trial->python || access(trial->python, X_OK) != 0)
		trial_not_made("there is no Python to launch");
	struct command script = trial_command((const char *const[]){trial->python, "-I", "-S", "-c", SCRIPT, path, NULL});
	trial_prepare(trial, &script, 1, NULL);
	if (signal(SIGCHLD, SIG_IGN) == SIG_ERR)
		trial_not_made("SIGCHLD cannot be ignored");
	trial_run(trial, &launch, 0); /* the caller's own status is lost as well */
	int status = -1;
	for (int waited = 0; (status = read_status(path)) < 0; waited++) {
		if (waited == PATIENCE_MS)
			trial_failed("the script did not say what its child ended with");
		pause_ms(1);
	}
	if (status == 0)
		trial_hit("the launched Python says that `exit 3` ended with 0");
	if (status != 3)
		trial_failed("the launched Python says %d", status);
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	bool passed_on = !mitigation && !(strategy->claims & BEHIND_A_HELPER) && !(strategy->promises & NO_IGNORED_SIGNALS);

	/* A shell comes first, and dash sets SIGCHLD to a handler of its own, which an exec resets to the default. The shim promises. */
	if (passed_on && (strategy->claims & ANOTHER_FIRST))
		return oracle_behind_shell(SIGCHLD_IGNORED);
	return (struct oracle){passed_on ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "ignored_sigchld",
	.summary = "the caller ignores SIGCHLD, and so does the Python that it launches: there, `exit 3` ends with 0",
	.source = "wait(2), NOTES; execve(2): ignored signals stay ignored; CPython Lib/subprocess.py, _try_wait()",
	.mitigations = (const char *const[]){"signals_reset", NULL},
	.most_trials = 3,
	.oracle = oracle,
	.trial = trial,
);
