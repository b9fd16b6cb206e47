/* close_range(): one call, whatever is open and however high (Linux 5.9). */
#include "../host/host.h"
#include "../host/raw_call.h"

#include <limits.h>
#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same on every architecture */
#endif
#define FIRST 3

static const char *supported(void)
{
	/* Nobody has a descriptor there. */
	return raw_call(SYS_close_range, INT_MAX, INT_MAX, 0) == 0 ? NULL : "the kernel has no close_range() (Linux 5.9)";
}

static void child(void)
{
	raw_call(SYS_close_range, FIRST, UINT_MAX, 0);
}

LAUNCHBENCH_HYGIENE(
	.name = "close_range",
	.summary = "close_range(3, ~0U) in the child",
	.promises = NO_DESCRIPTORS,
	.supported = supported,
	.child = child,
);
