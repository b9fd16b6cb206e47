/* Nobody waits: every child stays a zombie as long as its parent lives, and takes a place in the process table. */
#include "../host/host.h"

LAUNCHBENCH_REAPER(
	.name = "none",
	.traits = LOSES_STATUSES,
	.summary = "nobody waits: a zombie a launch, as long as the worker lives",
);
