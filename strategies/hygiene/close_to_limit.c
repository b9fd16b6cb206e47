/* close() of 3 to the limit of open files: right as long as nobody lowered the limit, and as slow as the limit is high. */
#include "../host/host.h"
#include "../host/raw_call.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define FIRST 3

static long end;

static const char *prepare(const struct session *session)
{
	struct rlimit limit;

	(void)session;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return "RLIMIT_NOFILE";
	if (limit.rlim_cur > (1UL << 30)) {
		errno = EOVERFLOW;
		return "a limit of open files that nobody can count to";
	}
	end = (long)limit.rlim_cur;
	return NULL;
}

static void child(void)
{
	for (long fd = FIRST; fd < end; fd++)
		raw_call(SYS_close, fd, 0, 0);
}

LAUNCHBENCH_HYGIENE(
	.name = "close_to_limit",
	.summary = "close() of 3 to RLIMIT_NOFILE in the child",
	.promises = NO_DESCRIPTORS,
	.prepare = prepare,
	.child = child,
);
