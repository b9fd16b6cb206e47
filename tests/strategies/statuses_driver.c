/* Drives the table of statuses without processes: pids in sequence that wrap, every other one never asked for. */
#include "../../strategies/host/statuses.c"

#include <stdio.h>

#define LAUNCHES 100000
#define IN_FLIGHT 200
#define MOST_PIDS 32768

static int64_t clock_now;
static int found;

int64_t now(void)
{
	return ++clock_now;
}

void host_reaped(struct launch *launch, int status)
{
	found += status == (int)launch->token;
}

void host_status_lost(struct launch *launch, int error)
{
	(void)launch;
	(void)error;
}

int main(void)
{
	static struct launch launches[IN_FLIGHT];
	pid_t next = 1000;

	for (int made = 0; made < LAUNCHES + IN_FLIGHT; made++) {
		struct launch *launch = &launches[made % IN_FLIGHT];

		if (made >= IN_FLIGHT)
			statuses_take(launch);
		if (made >= LAUNCHES)
			continue;
		*launch = (struct launch){.called = now(), .token = (uint64_t)made % 1000};
		statuses_put(next, 7777); /* the process between */
		next = next % MOST_PIDS + 1;
		launch->pid = next;
		statuses_put(next, made % 1000);
		next = next % MOST_PIDS + 1;
	}
	printf("%d of %d were found\n", found, LAUNCHES);
	return 0;
}
