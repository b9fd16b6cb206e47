/* close() of 3 to 1023, whatever is open: what programs have copied from each other since the limit was 1024. */
#include "../host/host.h"
#include "../host/raw_call.h"

#include <sys/syscall.h>

#define FIRST 3
#define LAST 1023

static void child(void)
{
	for (long fd = FIRST; fd <= LAST; fd++)
		raw_call(SYS_close, fd, 0, 0);
}

LAUNCHBENCH_HYGIENE(
	.name = "close_to_1023",
	.summary = "close() of 3 to 1023 in the child; descriptors above stay open",
	.promises = NO_DESCRIPTORS,
	.child = child,
);
