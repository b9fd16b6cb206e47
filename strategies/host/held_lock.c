/*
 * A lock that another thread holds at the moment of the launch, by construction.
 *
 * The locks of the C library cannot be seen. So a thread makes the call over and over and is stopped by a signal somewhere
 * in it; a second thread then makes the call once. If that sleeps in futex(2), the stopped thread holds the lock; else it is
 * let go, and stopped again.
 *
 *      holder                 prober            forker           launching thread
 *      call, call, ca-
 *      (stopped by SIGUSR1)   call
 *                             asleep: held      fork works
 *                                                                launch ---> child: call ... for ever, or not
 *      -ll, call              returns
 *
 * The forker tells this lock from those that fork() itself waits for (malloc, stdio): stopped inside one of these, the
 * holder would only delay the fork.
 *
 * The holder is let go for one reason only: the launch, or its child in the same memory, is seen asleep in a lock. So the lock
 * was held when it mattered, and a trial knows it: the child saw the holder stopped, or somebody was seen to wait for it, or
 * it was stopped still when the command was over. Else the trial was not made.
 */
#include "held_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ATTEMPTS 5000
#define MOST_LOOKS 2000
#define MOST_LAUNCHING 8

/* A thread that does one thing whenever it is asked. */
struct asked {
	void (*act)(void);
	volatile pid_t thread;
	int wakes[2];
	volatile bool busy;
};

static const struct lock *tried;
static pthread_t holder;
static volatile sig_atomic_t stopped;
static int lets_go[2];
static struct asked prober, forker, releaser;
static pid_t launching[MOST_LAUNCHING];
static size_t launching_count;
static volatile bool waited_for; /* the holder was let go because somebody waited for it */

/* What processes and threads tell each other (trial_shared()). */
enum told { CALLER, CHILD_IS_ALONE, CHILD_SAW_IT_HELD, CHILD_CALLS };

static void check(int error, const char *what)
{
	if (error != 0)
		trial_not_made("%s: %s", what, strerror(error));
}

static void write_byte(int fd)
{
	while (write(fd, "", 1) < 0 && errno == EINTR)
		;
}

static void read_byte(int fd)
{
	char byte;

	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
}

/* Only async-signal-safe calls: the thread may be anywhere. */
static void stop_here(int signal)
{
	int saved = errno;

	(void)signal;
	stopped = 1;
	read_byte(lets_go[0]);
	stopped = 0;
	errno = saved;
}

static void *hold(void *unused)
{
	(void)unused;
	for (;;)
		tried->call();
	return NULL;
}

static void *obey(void *argument)
{
	struct asked *self = argument;

	self->thread = (pid_t)syscall(SYS_gettid);
	for (;;) {
		read_byte(self->wakes[0]);
		self->act();
		self->busy = false;
	}
	return NULL;
}

static void start(struct asked *asked, void (*act)(void))
{
	pthread_t thread;

	asked->act = act;
	check(pipe(asked->wakes) == 0 ? 0 : errno, "pipe");
	check(pthread_create(&thread, NULL, obey, asked), "pthread_create");
	while (asked->thread == 0)
		sched_yield();
}

static void order(struct asked *asked)
{
	asked->busy = true;
	write_byte(asked->wakes[1]);
}

enum passage { CAME_THROUGH, ASLEEP, UNDECIDED };

/* Whether it does its thing or sleeps in a lock. One that spins before it sleeps, for a holder that was stopped while it
 * handed the lock over, is not known to do either. */
static enum passage passage_of(struct asked *asked)
{
	order(asked);
	for (int look = 0; asked->busy && look < MOST_LOOKS; look++) {
		if (waits_in_futex(asked->thread) && asked->busy)
			return ASLEEP;
		sched_yield();
	}
	return asked->busy ? UNDECIDED : CAME_THROUGH;
}

static void fork_once(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void let_go(void)
{
	write_byte(lets_go[1]);
}

/* Where a thread sleeps in futex(2): the address that it waits at, or 0. No lock and no memory of the C library is taken
 * here, nor below: the holder may have just that one. */
static unsigned long futex_of(pid_t pid, pid_t thread)
{
	char path[64], line[128];
	long number = -1;
	unsigned long at = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)pid, (int)thread);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, line, sizeof line - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return 0;
	line[length] = '\0';
	return sscanf(line, "%ld %lx", &number, &at) == 2 && number == SYS_futex ? at : 0;
}

/* Those that may launch: all that there are before this file makes its own. */
static void list_launching(void)
{
	DIR *threads = opendir("/proc/self/task");
	const struct dirent *thread;

	while (threads && launching_count < MOST_LAUNCHING && (thread = readdir(threads)) != NULL)
		if (thread->d_name[0] != '.')
			launching[launching_count++] = (pid_t)strtol(thread->d_name, NULL, 10);
	if (threads)
		closedir(threads);
}

/* One of them sleeps at the same word of memory as the prober, or a child in this memory, in its call, in any lock. */
static bool somebody_waits(void)
{
	pid_t child = trial_shared()->count[CHILD_CALLS];
	unsigned long lock = futex_of(getpid(), prober.thread);

	if (child != 0 && futex_of(child, child) != 0)
		return true;
	for (size_t i = 0; lock && i < launching_count; i++)
		if (futex_of(getpid(), launching[i]) == lock)
			return true;
	return false;
}

static void release(void)
{
	while (!somebody_waits())
		pause_ms(1);
	waited_for = true;
	let_go();
}

static void stop_holder(void)
{
	pthread_kill(holder, SIGUSR1);
	while (!stopped)
		sched_yield();
}

static void start_again(void)
{
	let_go();
	while (stopped || prober.busy || forker.busy)
		sched_yield();
}

/* Stops the holder while it has the lock. `fork_works`: the lock must not be one that fork() waits for. */
static void catch_held(bool fork_works)
{
	for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
		stop_holder();
		if (passage_of(&prober) == ASLEEP && (!fork_works || passage_of(&forker) == CAME_THROUGH))
			return;
		start_again();
	}
	trial_not_made("the lock was never caught held in %d attempts", MOST_ATTEMPTS);
}

static bool is_mended(enum lock_owner owner)
{
#ifndef __GLIBC__
	if (owner == LOCK_OF_GLIBC)
		return true;
#endif
	return owner == LOCK_MENDED;
}

/* The child's side. What it sees of the holder is what there was at the fork, or what there is where memory is shared. */
static void see_lock(void)
{
	if (stopped)
		trial_shared()->count[CHILD_SAW_IT_HELD] = 1;
}

/* What the rules forbid, and what the hazard is. */
static void call_in_child(void)
{
	volatile int *told = trial_shared()->count;
	bool alone = getpid() != told[CALLER] && told[CHILD_IS_ALONE];

	see_lock();
	if (alone)
		trial_at_risk(getpid());
	else
		told[CHILD_CALLS] = getpid();
	(tried->in_child ? tried->in_child : tried->call)();
	told[CHILD_CALLS] = 0;
	if (alone)
		trial_at_risk(0);
}

static void start_threads(const struct lock *lock)
{
	struct sigaction action = {.sa_handler = stop_here, .sa_flags = SA_RESTART};

	list_launching();
	check(pipe(lets_go) == 0 ? 0 : errno, "pipe");
	check(sigaction(SIGUSR1, &action, NULL) == 0 ? 0 : errno, "sigaction");
	start(&prober, lock->probe ? lock->probe : lock->call);
	start(&forker, fork_once);
	start(&releaser, release);
	check(pthread_create(&holder, NULL, hold, NULL), "pthread_create");
}

void held_lock_trial(struct trial *trial, const struct lock *lock)
{
	bool before = mitigated_by(trial, "call_before");
	bool fork_waits = is_mended(lock->owner) || mitigated_by(trial, "atfork");
	struct command probe = trial_probe(trial);
	struct launch launch;

	tried = lock;
	trial_shared()->count[CALLER] = getpid();
	trial_shared()->count[CHILD_IS_ALONE] = trial->strategy->memory == MEMORY_COPIED;
	trial_prepare(trial, &probe, 1, before ? see_lock : call_in_child);
	if (before)
		(lock->in_child ? lock->in_child : lock->call)();
	start_threads(lock);
	catch_held(!fork_waits);
	order(&releaser);
	if (!trial_run(trial, &launch, 0))
		trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
	if (!stopped && !waited_for && !trial_shared()->count[CHILD_SAW_IT_HELD])
		trial_not_made("the lock was not seen held during the launch");
	trial_missed();
}

struct oracle held_lock_oracle(const struct strategy *strategy, const char *mitigation, enum lock_owner owner)
{
	bool child_side = strategy->traits & RUNS_CHILD_SIDE;
	bool made_before = mitigation && strcmp(mitigation, "call_before") == 0;

	if (mitigation && !child_side)
		return (struct oracle){NEVER_POSSIBLE, "no code of the caller's runs between the launch and the exec"};
	/* Not suspended, its caller is in the C library at the same moment as it, and on the same errno. */
	if (child_side && !made_before && strategy->memory == MEMORY_SHARED && !(strategy->claims & SUSPENDS))
		return (struct oracle){NOT_TRIED, "the child runs beside its caller on one thread's own memory: no call of "
						  "the C library is possible in it at all"};
	if (mitigation && !made_before && strategy->memory == MEMORY_SHARED)
		return (struct oracle){NOT_TRIED, "only fork() calls the handlers of pthread_atfork(): vfork() and clone() do "
						  "nothing about the lock, and the child gets it from its living holder"};
	/* A child in its caller's memory waits for a thread that is alive, and gets the lock from it. */
	if (child_side && !mitigation && strategy->memory == MEMORY_COPIED && !is_mended(owner))
		return (struct oracle){ALWAYS, NULL};
	return (struct oracle){NEVER, NULL};
}
