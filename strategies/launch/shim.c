/*
 * vfork() of a tiny program that cleans up (descriptors, signals) and then becomes the command: the dangerous time
 * between vfork and exec has nothing in it, whatever there is to do.
 */
#include "../host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct command *shimmed; /* the commands of the session, each with `shim FILE` before its arguments */

static const char *prepare(const struct session *session)
{
	shimmed = calloc(session->command_count, sizeof *shimmed);
	const char *shim = host_own_program("shim");

	if (!shimmed || !shim)
		return "the program `shim`";
	for (size_t i = 0; i < session->command_count; i++) {
		const struct command *command = &session->commands[i];
		size_t count = 0;

		while (command->argv[count])
			count++;
		char **argv = calloc(count + 3, sizeof *argv);
		if (!argv)
			return "memory for the arguments";
		argv[0] = (char *)(uintptr_t)shim;
		argv[1] = (char *)(uintptr_t)command->file;
		memcpy(argv + 2, command->argv, count * sizeof *argv);
		shimmed[i] = (struct command){.file = shim, .argv = argv, .envp = command->envp, .line = command->line};
	}
	return NULL;
}

static void launch(struct launch *launch)
{
	launch->command = &shimmed[launch->command_index];
	pid_t pid = vfork();

	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, errno);
	else
		launch->pid = pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "shim",
	.summary = "vfork() of a tiny program that closes and resets, then execs the command",
	.traits = RUNS_CHILD_SIDE,
	.claims = SUSPENDS | ANOTHER_FIRST,
	.promises = NO_DESCRIPTORS | NO_BLOCKED_SIGNALS | NO_IGNORED_SIGNALS,
	.status_form = STATUS_SHELL,
	.memory = MEMORY_SHARED,
	.prepare = prepare,
	.launch = launch,
);
