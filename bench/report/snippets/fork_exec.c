/*
 * Runs a command and waits for it. argv[0] is a path. Returns 0 and the wait status, or an errno: then nothing ran.
 * Every descriptor of the program but 0 to 2 must have been opened with O_CLOEXEC, or the command inherits it.
 *
 * Between fork() and execve() the child of a program with threads may call what is async-signal-safe only. It says
 * through a pipe why execve() failed; the pipe closes by itself when it did not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void become(char *const argv[], int report)
{
	sigset_t none;
	int failed;
	ssize_t written;

	/* A command expects no signal blocked, and to die of a broken pipe. */
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(argv[0], argv, environ);
	failed = errno;
	do
		written = write(report, &failed, sizeof(failed));
	while (written == -1 && errno == EINTR);
	_exit(127);
}

int run_command(char *const argv[], int *status)
{
	int report[2], failed = 0;
	ssize_t length;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) == -1)
		return errno;
	pid = fork();
	if (pid == 0)
		become(argv, report[1]);
	if (pid == -1)
		failed = errno;
	close(report[1]);
	if (pid != -1) {
		do
			length = read(report[0], &failed, sizeof(failed));
		while (length == -1 && errno == EINTR);
		if (length != (ssize_t)sizeof(failed))
			failed = 0;
	}
	close(report[0]);
	if (pid == -1)
		return failed;
	while (waitpid(pid, status, 0) == -1)
		if (errno != EINTR)
			return errno;
	return failed;
}
