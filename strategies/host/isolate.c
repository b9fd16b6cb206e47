/*
 * Isolates this process and becomes another program: the one way in which every worker starts, native or Python, here
 * or in a guest. All of it survives execve(2).
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int complain(const char *what)
{
	fprintf(stderr, "isolate: %s: %s\n", what, strerror(errno));
	return 70;
}

static bool hold_to_cpus(const char *list)
{
	cpu_set_t set;
	char *end;

	CPU_ZERO(&set);
	for (const char *p = list; *p; p = *end == ',' ? end + 1 : end) {
		unsigned long cpu = strtoul(p, &end, 10);

		if (end == p || cpu >= CPU_SETSIZE) {
			errno = EINVAL;
			return false;
		}
		CPU_SET(cpu, &set);
	}
	return sched_setaffinity(0, sizeof set, &set) == 0;
}

/* The worker, never the runner, is what the OOM killer prefers. Raising the score needs no right. */
static bool prefer_for_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, "1000", 4) == 4;

	if (fd >= 0)
		close(fd);
	return done;
}

static bool default_signals(void)
{
	static const uint64_t default_action[4]; /* the kernel's struct: handler SIG_DFL, flags, restorer, mask; all zero */
	sigset_t none;

	/*
	 * Not sigaction(): libc refuses two numbers that are its own (32 and 33), and a parent that was started by make is
	 * started with those ignored. SIGKILL and SIGSTOP fail, as they should.
	 */
	for (int signal = 1; signal < NSIG; signal++)
		syscall(SYS_rt_sigaction, signal, &default_action, NULL, sizeof(uint64_t));
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* A core of many gigabytes helps nobody. */
static bool no_core(void)
{
	struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_CORE, &none) == 0;
}

static bool raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

int isolate(int argc, char **argv)
{
	int i;

	/* EPERM when this leads a session already, which is as good; or only a process group, which is not. */
	if (setsid() < 0 && getsid(0) != getpid())
		return complain("session");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!default_signals())
		return complain("signals");
	if (!no_core())
		return complain("core limit");
	if (!prefer_for_oom())
		return complain("oom_score_adj");
	for (i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], "parent=", 7) == 0) {
			/* PR_SET_PDEATHSIG says nothing of a parent that died before it. */
			if (getppid() != (pid_t)atol(argv[i] + 7))
				return 0;
		} else if (strncmp(argv[i], "cpus=", 5) == 0) {
			if (!hold_to_cpus(argv[i] + 5))
				return complain(argv[i]);
		} else if (strcmp(argv[i], "open_files=max") == 0) {
			if (!raise_open_files())
				return complain(argv[i]);
		} else {
			errno = EINVAL;
			return complain(argv[i]);
		}
	}
	if (i + 1 >= argc) {
		errno = EINVAL;
		return complain("no program");
	}
	execv(argv[i + 1], argv + i + 1);
	return complain(argv[i + 1]);
}
