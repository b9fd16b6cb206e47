/* The native worker: one program that lists what it can do, isolates a process, observes one, denies it the fork, works, and is the agent of a guest. */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	/* Of a guest; its arguments are whatever the kernel did not know of its own. */
	if (getpid() == 1)
		return agent("/dev/ttyS1", "/run/launchbench");
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		list_registered();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "libc") == 0) {
		say_libc();
		return 0;
	}
	if (argc > 2 && strcmp(argv[1], "isolate") == 0)
		return isolate(argc - 2, argv + 2);
	if (argc > 2 && strcmp(argv[1], "observe") == 0)
		return observe(argc - 2, argv + 2);
	if (argc > 2 && strcmp(argv[1], "no_fork") == 0)
		return no_fork(argv + 2);
	if (argc > 2 && strcmp(argv[1], "hazard") == 0)
		return hazard(argc - 2, argv + 2);
	if (argc == 2 && strcmp(argv[1], "work") == 0)
		return work();
	if (argc == 3 && strcmp(argv[1], "pacer") == 0)
		return pacer(argv[2]);
	if (argc == 4 && strcmp(argv[1], "agent") == 0)
		return agent(argv[2], argv[3]);
	fprintf(stderr, "usage: %s list | libc | isolate [SETTING=VALUE ...] -- PROGRAM [ARGUMENT ...] | "
			"observe FILE PROGRAM [ARGUMENT ...] | no_fork PROGRAM [ARGUMENT ...] | "
			"hazard KEY=VALUE ... | work | pacer PROGRAM | agent DEVICE FOLDER\n", argv[0]);
	return 2;
}
