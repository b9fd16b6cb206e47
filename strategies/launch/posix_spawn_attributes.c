/* posix_spawn() with attributes: an empty signal mask, default handlers, a process group of its own. */
#include "../host/host.h"
#include "../host/settable.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>

static posix_spawnattr_t attributes;

static const char *prepare(const struct session *session)
{
	sigset_t none, all;

	(void)session;
	sigemptyset(&none);
	settable_signals(&all);
	errno = posix_spawnattr_init(&attributes);
	if (errno == 0)
		errno = posix_spawnattr_setsigmask(&attributes, &none);
	if (errno == 0)
		errno = posix_spawnattr_setsigdefault(&attributes, &all);
	if (errno == 0)
		errno = posix_spawnattr_setpgroup(&attributes, 0);
	if (errno == 0)
		errno = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	return errno == 0 ? NULL : "posix_spawnattr";
}

static void launch(struct launch *launch)
{
	int error = posix_spawn(&launch->pid, launch->command->file, NULL, &attributes, launch->command->argv,
				launch->command->envp);

	if (error != 0) {
		launch->pid = 0;
		host_library_failed(launch, error);
	}
}

static void finish(void)
{
	posix_spawnattr_destroy(&attributes);
}

LAUNCHBENCH_STRATEGY(
	.name = "posix_spawn_attributes",
	.summary = "posix_spawn() with attributes: signal mask, default handlers, process group",
	.claims = SUSPENDS | CLEARS_HANDLERS,
	.promises = NO_BLOCKED_SIGNALS | NO_IGNORED_SIGNALS,
	.memory = MEMORY_SHARED,
	.prepare = prepare,
	.launch = launch,
	.finish = finish,
);
