/* system(): a shell for each command, and the caller waits for it inside the call. */
#include "../host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

static void launch(struct launch *launch)
{
	errno = 0;
	int status = system(launch->command->line);
	int error = errno;

	if (status == -1 && error == ECHILD) {
		host_status_lost(launch, error);
	} else if (status == -1) {
		host_library_failed(launch, error);
	} else {
		launch->has_status = true;
		launch->status = status;
		/*
		 * POSIX lets a shell that could not be executed look like one that called exit(127). glibc gives that answer
		 * when no process could be made either, and leaves in errno what really happened (sysdeps/posix/system.c).
		 */
		if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && error != 0)
			host_library_failed(launch, error);
	}
}

LAUNCHBENCH_STRATEGY(
	.name = "system",
	.summary = "system(): a shell runs the command, the caller waits inside the call",
	.traits = OWN_REAPER,
	.claims = SUSPENDS | CLEARS_HANDLERS | ANOTHER_FIRST,
	.status_form = STATUS_SHELL,
	.supported = host_shell_supported,
	.launch = launch,
);
