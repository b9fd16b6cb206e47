/*
 * A program writes an executable, closes it, and executes it; between opening and closing it another thread launches
 * something. The child of that launch has a copy of the descriptor until its own exec, so the file is open for writing still:
 * ETXTBSY. O_CLOEXEC does not help: it is the time before the exec that matters.
 *
 *      writer                        other thread
 *      open, write
 *                                    launch ---------> child: execve(slow) ...   (has the descriptor)
 *      close
 *      execve: ETXTBSY
 */
#include "../host/slow_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 5000

static struct trial *subject;
static struct launch other;

static void *launch_other(void *unused)
{
	(void)unused;
	trial_run(subject, &other, 0);
	return NULL;
}

static void wait_for_exec(void)
{
	for (int waited = 0; !slow_file_wanted(); waited++) {
		if (waited == PATIENCE_MS)
			trial_failed("no exec came to the slow file");
		pause_ms(1);
	}
}

/* The descriptor that a program was written through; -1: it was another process's, and is closed. */
static int write_program(struct trial *trial, const char *path)
{
	if (!mitigated_by(trial, "written_by_a_child"))
		return copy_program("probe", path);
	pid_t writer = fork();
	if (writer == 0) {
		close(copy_program("probe", path));
		_exit(0);
	}
	if (writer < 0 || waitpid(writer, NULL, 0) < 0)
		trial_not_made("a process to write with: %s", strerror(errno));
	return -1;
}

/*
 * A process that executes the program when it is told to. It was forked before the program was opened, and before the
 * launch: fork() itself may wait for a launch that stands still (musl src/process/posix_spawn.c, __abort_lock).
 */
static struct executor {
	pid_t pid;
	int tells;
} executor;

static void fork_executor(const char *path)
{
	volatile int *error = &trial_shared()->count[0];
	int ends[2];
	char go;

	if (pipe2(ends, O_CLOEXEC) != 0)
		trial_not_made("pipe: %s", strerror(errno));
	executor = (struct executor){fork(), ends[1]};
	if (executor.pid == 0) {
		char *const argv[] = {(char *)(uintptr_t)path, NULL};

		close(ends[1]); /* so that a trial that ends before it tells anything ends this one as well */
		if (read(ends[0], &go, 1) == 1)
			execv(path, argv);
		*error = errno;
		_exit(127);
	}
	if (executor.pid < 0)
		trial_not_made("a process to execute in: %s", strerror(errno));
}

/* The errno of executing the program, or 0. */
static int execute(void)
{
	if (write(executor.tells, "", 1) != 1 || waitpid(executor.pid, NULL, 0) < 0)
		trial_not_made("a process to execute in: %s", strerror(errno));
	return trial_shared()->count[0];
}

static void trial(struct trial *trial)
{
	const char *path = trial_path(trial, "program");
	pthread_t launcher;

	subject = trial;
	fork_executor(path);
	slow_file_make(trial);
	struct command slow = slow_file_command();
	trial_prepare(trial, &slow, 1, NULL);
	int fd = write_program(trial, path);
	if (pthread_create(&launcher, NULL, launch_other, NULL) != 0)
		trial_not_made("no thread to launch in");
	wait_for_exec();
	if (fd >= 0)
		close(fd);
	int error = execute();
	slow_file_allow();
	pthread_join(launcher, NULL);
	if (error == ETXTBSY)
		trial_hit("the file was written and closed, and execve() says ETXTBSY");
	if (error != 0)
		trial_failed("execve() says %s", strerror(error));
	trial_missed();
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	/* A shell or the shim was executed meanwhile: close-on-exec has closed it. */
	bool copied = !mitigation && !(strategy->claims & (BEHIND_A_HELPER | ANOTHER_FIRST));

	return (struct oracle){copied ? ALWAYS : NEVER, NULL};
}

LAUNCHBENCH_HAZARD(
	.name = "text_busy",
	.summary = "a program writes an executable, closes and executes it, while another thread launches: ETXTBSY",
	.source = "execve(2), ETXTBSY; golang.org/issue/22315: the descriptor is in the other child until its exec",
	.mitigations = (const char *const[]){"written_by_a_child", "close_range", NULL},
	.oracle = oracle,
	.trial = trial,
);
