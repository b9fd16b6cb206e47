/*
 * Starts /bin/sh by fork() and execve() with a signal blocked and one ignored, and has it start `cat /proc/self/status`. So
 * what system() and popen() must come to is known from the shell alone.
 */
#include "shell_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void be_shell(int output)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGCHLD, SIG_IGN);
	dup2(output, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", "cat /proc/self/status", (char *)NULL);
	_exit(127);
}

static bool read_mask(const char *status, const char *field, unsigned long *mask)
{
	const char *at = strstr(status, field);

	return at && sscanf(at + strlen(field), " %lx", mask) == 1;
}

/* Whether a command of a shell that was started with this has it too; false: that is not known. */
static bool ask_shell(enum signal_state state, bool *passes_on)
{
	char status[8192];
	size_t length = 0;
	unsigned long mask;
	ssize_t got;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0)
		be_shell(ends[1]);
	close(ends[1]);
	while (length < sizeof status - 1 && (got = read(ends[0], status + length, sizeof status - 1 - length)) > 0)
		length += (size_t)got;
	close(ends[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	status[length] = '\0';
	if (!read_mask(status, state == SIGTERM_BLOCKED ? "SigBlk:" : "SigIgn:", &mask))
		return false;
	*passes_on = mask >> ((state == SIGTERM_BLOCKED ? SIGTERM : SIGCHLD) - 1) & 1;
	return true;
}

struct oracle oracle_behind_shell(enum signal_state state)
{
	bool passes_on;

	if (!ask_shell(state, &passes_on))
		return (struct oracle){UNSAID, NULL};
	return (struct oracle){passes_on ? ALWAYS : NEVER, NULL};
}
