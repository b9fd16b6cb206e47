/* The native worker: one program that lists what it can do, isolates a process, observes one, and works. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
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
	if (argc == 2 && strcmp(argv[1], "work") == 0)
		return work();
	fprintf(stderr, "usage: %s list | libc | isolate [SETTING=VALUE ...] -- PROGRAM [ARGUMENT ...] | "
			"observe FILE PROGRAM [ARGUMENT ...] | work\n", argv[0]);
	return 2;
}
