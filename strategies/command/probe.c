/*
 * The launched program: says when its first instruction ran, and ends. What else it does, its environment asks for:
 *
 * LAUNCHBENCH_ARRIVALS   the file that the moment is appended to: by path, not by descriptor, because strategies close and
 *                        replace descriptors. O_APPEND makes the records of many probes whole.
 * LAUNCHBENCH_INHERITED  the file that it writes into what it inherited, before it opens anything of its own.
 * LAUNCHBENCH_GATE       a FIFO that it holds open, and does not end before nobody can write to it any more. It is open
 *                        when the arrival is written, so who has counted the arrivals can let all of them go at once.
 */
#include "freestanding.h"
#include "inherited.h"

#define CLOCK_MONOTONIC 1

struct arrival {
	int64_t reached; /* CLOCK_MONOTONIC, ns */
	int32_t pid, parent;
};

static const char *value_of(const char *word, const char *name)
{
	while (*name && *word == *name)
		word++, name++;
	return *name == '\0' && *word == '=' ? word + 1 : 0;
}

static const char *environment_value(char *const *envp, const char *name)
{
	const char *value = 0;

	for (; *envp && !value; envp++)
		value = value_of(*envp, name);
	return value;
}

static void write_arrival(const char *path, int64_t reached)
{
	struct arrival arrival = {
		.reached = reached,
		.pid = (int32_t)system_call(__NR_getpid, 0, 0, 0, 0),
		.parent = (int32_t)system_call(__NR_getppid, 0, 0, 0, 0),
	};
	long fd = system_call(__NR_openat, AT_FDCWD, (long)path, O_WRONLY | O_APPEND, 0);

	system_call(__NR_write, fd, (long)&arrival, sizeof arrival, 0);
}

void begin(long *stack)
{
	char *const *environment = environment_of(stack);
	const char *arrivals, *inherited, *gate;
	int64_t time[2];
	long held = -1;
	char nothing;

	system_call(__NR_clock_gettime, CLOCK_MONOTONIC, (long)time, 0, 0);
	arrivals = environment_value(environment, "LAUNCHBENCH_ARRIVALS");
	inherited = environment_value(environment, "LAUNCHBENCH_INHERITED");
	gate = environment_value(environment, "LAUNCHBENCH_GATE");
	if (inherited)
		report_inherited(inherited);
	if (gate)
		held = system_call(__NR_openat, AT_FDCWD, (long)gate, O_RDONLY, 0);
	if (arrivals)
		write_arrival(arrivals, time[0] * 1000000000 + time[1]);
	if (held >= 0)
		system_call(__NR_read, held, (long)&nothing, 1, 0); /* 0: its last writer has gone */
	leave(0);
}
