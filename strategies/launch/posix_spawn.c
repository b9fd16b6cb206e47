/* posix_spawn() without attributes or file actions, unless a hygiene asks for some. */
#include "../host/host.h"

#include <spawn.h>

static void launch(struct launch *launch)
{
	int error = posix_spawn(&launch->pid, launch->command->file, host_file_actions(), host_attributes(), launch->command->argv,
				launch->command->envp);

	if (error != 0) {
		launch->pid = 0;
		host_library_failed(launch, error);
	}
}

LAUNCHBENCH_STRATEGY(
	.name = "posix_spawn",
	.summary = "posix_spawn(), no attributes, no file actions",
	.traits = RUNS_SPAWN_SIDE,
	.claims = SUSPENDS | CLEARS_HANDLERS,
	.memory = MEMORY_SHARED,
	.launch = launch,
);
