/*
 * Runs a command and waits for it. argv[0] is a path. Returns 0 and the wait status, or an errno: then nothing ran.
 * Every descriptor of the program but 0 to 2 must have been opened with O_CLOEXEC, or the command inherits it.
 *
 * The child of vfork() runs in the caller's memory: it may call what is async-signal-safe, write to nothing but `failed`
 * and must end in execve() or _exit(). No handler of the program may run in it, so signals are blocked until the
 * handlers are gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void reset_handlers(void)
{
	struct sigaction action;

	for (int number = 1; number < NSIG; number++) {
		if (sigaction(number, NULL, &action) == -1)
			continue;
		if (number == SIGPIPE || (action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL)) {
			action.sa_handler = SIG_DFL;
			action.sa_flags = 0;
			sigaction(number, &action, NULL);
		}
	}
}

int run_command(char *const argv[], int *status)
{
	volatile int failed = 0;
	sigset_t all, before, none;
	int error;
	pid_t pid;

	sigemptyset(&none);
	sigfillset(&all);
	error = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (error)
		return error;
	pid = vfork();
	if (pid == 0) {
		reset_handlers();
		sigprocmask(SIG_SETMASK, &none, NULL);
		execve(argv[0], argv, environ);
		failed = errno;
		_exit(127);
	}
	error = pid == -1 ? errno : failed;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid == -1)
		return error;
	while (waitpid(pid, status, 0) == -1)
		if (errno != EINTR)
			return errno;
	return error;
}
