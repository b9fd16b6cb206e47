/*
 * Runs a command and waits for it. argv[0] is a path. Returns 0 and the wait status, or an errno: then nothing ran.
 * Every descriptor of the program but 0 to 2 must have been opened with O_CLOEXEC, or the command inherits it.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/wait.h>

extern char **environ;

int run_command(char *const argv[], int *status)
{
	posix_spawnattr_t attributes;
	sigset_t none, usual;
	pid_t pid;
	int error = posix_spawnattr_init(&attributes);

	if (error)
		return error;
	/* A command expects no signal blocked, and to die of a broken pipe. */
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	error = posix_spawnattr_setsigmask(&attributes, &none);
	if (!error)
		error = posix_spawnattr_setsigdefault(&attributes, &usual);
	if (!error)
		error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!error)
		error = posix_spawn(&pid, argv[0], NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (error)
		return error;
	while (waitpid(pid, status, 0) == -1)
		if (errno != EINTR)
			return errno;
	return 0;
}
