/* waitpid() for the very child: nothing else to go wrong. */
#include "../host/host.h"

LAUNCHBENCH_REAPER(
	.name = "waitpid",
	.summary = "waitpid() for the very child",
	.reap = host_wait,
);
