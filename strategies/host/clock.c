/* The clock of every sample, and the caller's page faults. */
#include "internal.h"

#include <sys/resource.h>
#include <time.h>

int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Of the calling thread alone: bystanders fault too. */
uint64_t caller_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_minflt;
}
