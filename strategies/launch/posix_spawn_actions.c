/* posix_spawn() with file actions, as one who redirects would: input opened, output duplicated, another closed. */
#include "../host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

static posix_spawn_file_actions_t actions;
static int output = -1;

static const char *prepare(const struct session *session)
{
	(void)session;
	/* The worker's own output by another descriptor: the command's goes where it would have gone without. */
	output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
	if (output < 0)
		return "a second descriptor of standard output";
	errno = posix_spawn_file_actions_init(&actions);
	if (errno == 0)
		errno = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (errno == 0)
		errno = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (errno == 0)
		errno = posix_spawn_file_actions_addclose(&actions, output);
	return errno == 0 ? NULL : "posix_spawn_file_actions";
}

static void launch(struct launch *launch)
{
	int error = posix_spawn(&launch->pid, launch->command->file, &actions, NULL, launch->command->argv,
				launch->command->envp);

	if (error != 0) {
		launch->pid = 0;
		host_library_failed(launch, error);
	}
}

static void finish(void)
{
	posix_spawn_file_actions_destroy(&actions);
}

LAUNCHBENCH_STRATEGY(
	.name = "posix_spawn_actions",
	.summary = "posix_spawn() with file actions: one opened, one duplicated, one closed",
	.claims = SUSPENDS | CLEARS_HANDLERS,
	.memory = MEMORY_SHARED,
	.prepare = prepare,
	.launch = launch,
	.finish = finish,
);
