/* Nothing is done between the launch and the exec: the command inherits what is inheritable. */
#include "../host/host.h"

LAUNCHBENCH_HYGIENE(
	.name = "none",
	.summary = "nothing is closed, blocked or reset",
);
