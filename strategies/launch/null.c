/* Launches nothing. What it takes is what measuring takes: the floor under every other number. */
#include "../host/host.h"

static void launch(struct launch *launch)
{
	launch->has_status = true;
}

LAUNCHBENCH_STRATEGY(
	.name = "null",
	.summary = "launches nothing: the floor, the cost of measuring",
	.traits = OWN_REAPER | LAUNCHES_NOTHING,
	.launch = launch,
);
