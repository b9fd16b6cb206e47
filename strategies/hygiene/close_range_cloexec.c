/* close_range() that marks and leaves the closing to the exec (Linux 5.11): descriptors still serve until then. */
#include "../host/host.h"
#include "../host/raw_call.h"

#include <limits.h>
#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same on every architecture */
#endif
#define CLOSE_RANGE_CLOEXEC (1U << 2) /* include/uapi/linux/close_range.h */
#define FIRST 3

static const char *supported(void)
{
	/* Nobody has a descriptor there. */
	return raw_call(SYS_close_range, INT_MAX, INT_MAX, CLOSE_RANGE_CLOEXEC) == 0 ? NULL : "the kernel has no CLOSE_RANGE_CLOEXEC (Linux 5.11)";
}

static void child(void)
{
	raw_call(SYS_close_range, FIRST, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}

LAUNCHBENCH_HYGIENE(
	.name = "close_range_cloexec",
	.summary = "close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) in the child",
	.promises = NO_DESCRIPTORS,
	.supported = supported,
	.child = child,
);
