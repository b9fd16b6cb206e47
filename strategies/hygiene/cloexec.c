/* O_CLOEXEC at creation: nothing has to be done at the launch, the exec closes. */
#include "../host/host.h"

LAUNCHBENCH_HYGIENE(
	.name = "cloexec",
	.summary = "every descriptor of the worker was opened with O_CLOEXEC",
	.promises = NO_DESCRIPTORS,
	.opens_cloexec = true,
);
