/* Runs its arguments with run_command() and says what came of it, and what it left behind. Not part of any snippet. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

int run_command(char *const argv[], int *status);
#ifdef HELPER
int helper_start(void);
#endif

static volatile sig_atomic_t alarms;

static void count(int number)
{
	(void)number;
	alarms++;
}

static int open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int found = 0;

	while (readdir(folder))
		found++;
	closedir(folder);
	return found;
}

int main(int argc, char *argv[])
{
	int status = -1, error = 0, times = atoi(argv[1]), before, children = 0;
	struct sigaction action = {.sa_handler = count}; /* no SA_RESTART: every wait is interrupted */
	struct itimerval storm = {{0, 2000}, {0, 2000}};
	sigset_t blocked;

	(void)argc;
#ifdef HELPER
	if (helper_start() != 0)
		return 1;
	children = 1;
#endif
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &storm, NULL);
	before = open_descriptors();
	while (times-- > 0)
		error = run_command(argv + 2, &status);
	storm = (struct itimerval){{0, 0}, {0, 0}};
	setitimer(ITIMER_REAL, &storm, NULL);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		children++;
	printf("\nerror %d status %d leaked %d children %d alarms %d usr1 %d alrm %d\n", error, status,
	       open_descriptors() - before, children - 0, alarms > 0, sigismember(&blocked, SIGUSR1),
	       sigismember(&blocked, SIGALRM));
	return 0;
}
