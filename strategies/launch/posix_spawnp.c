/* posix_spawnp(): the library searches PATH in the child, one exec attempt per directory. */
#include "../host/host.h"

#include <spawn.h>

static void launch(struct launch *launch)
{
	int error = posix_spawnp(&launch->pid, launch->command->argv[0], host_file_actions(), host_attributes(), launch->command->argv,
				 launch->command->envp);

	if (error != 0) {
		launch->pid = 0;
		host_library_failed(launch, error);
	}
}

LAUNCHBENCH_STRATEGY(
	.name = "posix_spawnp",
	.summary = "posix_spawnp(): as posix_spawn(), and finds the program along PATH",
	.traits = RUNS_SPAWN_SIDE,
	.claims = SUSPENDS | CLEARS_HANDLERS,
	.memory = MEMORY_SHARED,
	.launch = launch,
);
