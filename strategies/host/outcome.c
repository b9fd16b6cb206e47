/* What became of a launch: the few ways it can fail, told apart. */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Where a child leaves the errno of a failed exec. A forked child writes to a copy of everything but shared
 * mappings, and a CLOEXEC pipe, the usual way, costs descriptors and calls and is closed early by strategies that close
 * descriptors themselves.
 */
static volatile struct left_behind *left;

void share_outcomes(size_t in_flight)
{
	void *pages = mmap(NULL, in_flight * sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		refuse("failed", errno, "no memory to share with children");
	memset(pages, 0, in_flight * sizeof *left); /* present before the clock runs */
	left = pages;
}

volatile struct left_behind *what_children_leave(size_t slot)
{
	return &left[slot];
}

void host_exec(const struct launch *launch)
{
	host_child_side();
	execve(launch->command->file, launch->command->argv, launch->command->envp);
	launch->left->exec_error = errno;
	_exit(127);
}

void host_spawn_failed(struct launch *launch, int error)
{
	launch->stage = STAGE_SPAWN;
	launch->error = error;
}

/* CPU time of all children that were waited for, in us. */
static int64_t children_time(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
	       usage.ru_stime.tv_usec;
}

static int64_t children_time_before;

void before_launch(const struct launch *launch)
{
	launch->left->exec_error = 0;
	launch->left->pid = 0;
	launch->left->spawn_error = 0;
	launch->left->held = 0;
	launch->left->let_go = 0;
	children_time_before = children_time();
}

/*
 * posix_spawn() returns one errno for two calls. Most errors can only be the exec's; ENOMEM and EAGAIN can be either's,
 * and popen() makes a pipe as well.
 * A library that got as far as the exec had a child and has waited for it, and a child that ran has used CPU time.
 */
void host_library_failed(struct launch *launch, int error)
{
	bool either = error == ENOMEM || error == EAGAIN || error == EPERM || error == ENOSYS || error == EINVAL ||
		      error == EMFILE || error == ENFILE;

	launch->stage = either && children_time() == children_time_before ? STAGE_SPAWN : STAGE_EXEC;
	launch->error = error;
}

void host_reaped(struct launch *launch, int status)
{
	launch->has_status = true;
	launch->status = status;
	if (launch->left->exec_error != 0) {
		launch->stage = STAGE_EXEC;
		launch->error = launch->left->exec_error;
	}
}

void host_wait(struct launch *launch)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(launch->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		host_status_lost(launch, errno);
	else
		host_reaped(launch, status);
}

void host_status_lost(struct launch *launch, int error)
{
	if (launch->left->exec_error != 0) { /* without its status, but with what the child left behind */
		launch->stage = STAGE_EXEC;
		launch->error = launch->left->exec_error;
		return;
	}
	launch->stage = STAGE_WAIT;
	launch->error = error;
}

int host_status_byte(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

pid_t host_fork_helper(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0); /* the worker died before the line above took hold */
		close(CONTROL_DESCRIPTOR); /* the runner listens for the worker's end, not for the helper's */
	}
	return pid;
}

const char *host_own_program(const char *name)
{
	static char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path);

	while (length > 0 && path[length - 1] != '/')
		length--;
	if (length <= 0 || (size_t)length + strlen(name) >= sizeof path)
		return NULL;
	strcpy(path + length, name);
	return access(path, X_OK) == 0 ? strdup(path) : NULL; /* who asked keeps it, whatever else is asked for */
}

const char *host_shell_supported(void)
{
	return access("/bin/sh", X_OK) == 0 ? NULL : "there is no /bin/sh here";
}
