/* popen() for reading: a shell, and a pipe from its output; pclose() waits. */
#include "../host/host.h"

#include <errno.h>
#include <stdio.h>

static FILE *output;

static void launch(struct launch *launch)
{
	errno = 0;
	/* glibc 2.36 leaves ENOMEM in errno whatever made popen() fail, E2BIG too: it is what its callers get to see. */
	output = popen(launch->command->line, "re");
	if (!output)
		host_library_failed(launch, errno);
}

static void reap(struct launch *launch)
{
	static char buffer[65536];

	/* To the end of the output: a command that writes into a closed pipe dies of SIGPIPE. */
	while (fread(buffer, 1, sizeof buffer, output) > 0)
		;
	errno = 0;
	int status = pclose(output);
	if (status == -1) {
		host_status_lost(launch, errno);
	} else {
		launch->has_status = true;
		launch->status = status;
	}
}

LAUNCHBENCH_STRATEGY(
	.name = "popen",
	.summary = "popen() for reading: a shell runs the command, pclose() waits for it",
	.traits = OWN_REAPER,
	.claims = SUSPENDS | CLEARS_HANDLERS | ANOTHER_FIRST | NEEDS_DESCRIPTOR | TELLS_ENOMEM,
	.status_form = STATUS_SHELL,
	.supported = host_shell_supported,
	.launch = launch,
	.reap = reap,
);
