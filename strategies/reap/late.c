/* waitpid() for each child, but only when every launch is over: until then each one is a zombie. */
#include "../host/host.h"

LAUNCHBENCH_REAPER(
	.name = "late",
	.summary = "waitpid() for each child after the last launch: zombies until then",
	.traits = REAPS_LAST,
	.reap = host_wait,
);
