/*
 * Isolates this process and becomes another program: the one way in which every worker starts, native or Python, here
 * or in a guest. All of it survives execve(2).
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/capability.h, which is not among every libc's headers. */
#define CAPABILITY_VERSION_3 0x20080522u
#define CAP_DAC_OVERRIDE 1
struct capability_header {
	uint32_t version;
	int pid;
};
struct capability_data {
	uint32_t effective, permitted, inheritable;
};

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

static bool positive(const char *text, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *number > 0)
		return true;
	errno = EINVAL;
	return false;
}

/* `max`: as many as are allowed. A number is the hard limit as well, so that nobody further down raises it again. */
static bool limit_open_files(const char *most)
{
	struct rlimit limit;
	unsigned long number;

	if (strcmp(most, "max") == 0) {
		if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
			return false;
		limit.rlim_cur = limit.rlim_max;
	} else {
		if (!positive(most, &number))
			return false;
		limit = (struct rlimit){number, number};
	}
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool limit_processes(const char *most)
{
	unsigned long number;

	if (!positive(most, &number))
		return false;
	struct rlimit limit = {number, number};
	return setrlimit(RLIMIT_NPROC, &limit) == 0;
}

/* Before the exec: what the program is made of is then charged to the group, not only what it asks for later. */
static bool enter_group(const char *directory)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof path, "%s/cgroup.procs", directory) >= sizeof path) {
		errno = ENAMETOOLONG;
		return false;
	}
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool entered = fd >= 0 && write(fd, "0", 1) == 1; /* 0 is whoever writes */
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return entered;
}

/*
 * Another user, whom RLIMIT_NPROC binds: it does not bind root, nor who has CAP_SYS_RESOURCE or CAP_SYS_ADMIN. Files are
 * within reach as before (CAP_DAC_OVERRIDE, kept over execve(2) as an ambient capability), so that the worker, what it
 * launches and where it writes need not be made for somebody else.
 */
static bool become_user(const char *user)
{
	struct capability_header header = {.version = CAPABILITY_VERSION_3};
	const uint32_t files = 1u << CAP_DAC_OVERRIDE;
	const struct capability_data kept[2] = {{files, files, files}};
	unsigned long number;

	return positive(user, &number) && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid((gid_t)number, (gid_t)number, (gid_t)number) == 0 &&
	       setresuid((uid_t)number, (uid_t)number, (uid_t)number) == 0 && syscall(SYS_capset, &header, kept) == 0 &&
	       prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0) == 0;
}

static const struct setting {
	const char *name;
	bool (*apply)(const char *value);
} settings[] = {
	{"bind", bind_folder},
	{"lend", lend_folder},
	{"root", change_root},
	{"cpus", hold_to_cpus},
	{"cgroup", enter_group},
	{"open_files", limit_open_files},
	{"user", become_user},
	{"processes", limit_processes},
};

static bool apply(const char *word)
{
	size_t length = strcspn(word, "=");

	for (size_t i = 0; word[length] == '=' && i < sizeof settings / sizeof *settings; i++)
		if (strlen(settings[i].name) == length && strncmp(word, settings[i].name, length) == 0)
			return settings[i].apply(word + length + 1);
	errno = EINVAL;
	return false;
}

int isolate(int argc, char **argv)
{
	pid_t parent = 0;
	int i;

	/* EPERM when this leads a session already, which is as good; or only a process group, which is not. */
	if (setsid() < 0 && getsid(0) != getpid())
		return complain("session");
	if (!default_signals())
		return complain("signals");
	if (!no_core())
		return complain("core limit");
	if (!prefer_for_oom())
		return complain("oom_score_adj");
	for (i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], "parent=", 7) == 0)
			parent = (pid_t)atol(argv[i] + 7);
		else if (!apply(argv[i]))
			return complain(argv[i]);
	}
	if (i + 1 >= argc) {
		errno = EINVAL;
		return complain("no program");
	}
	/* Now, for another user forgets it; and it says nothing of a parent that died before it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (parent != 0 && getppid() != parent)
		return 0;
	execv(argv[i + 1], argv + i + 1);
	return complain(argv[i + 1]);
}
