/* posix_spawn() without attributes or file actions. */
#include "../host/host.h"

#include <spawn.h>

static void launch(struct launch *launch)
{
	int error = posix_spawn(&launch->pid, launch->command->file, NULL, NULL, launch->command->argv,
				launch->command->envp);

	if (error != 0) {
		launch->pid = 0;
		host_library_failed(launch, error);
	}
}

LAUNCHBENCH_STRATEGY(
	.name = "posix_spawn",
	.summary = "posix_spawn(), no attributes, no file actions",
	.memory = MEMORY_SHARED,
	.launch = launch,
);
