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
 *      (let go 3 ms later)
 *      -ll, call              returns
 *
 * The forker tells this lock from those that fork() itself waits for (malloc, stdio): stopped inside one of these, the
 * holder would only delay the fork.
 */
#include "held_lock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ATTEMPTS 5000
#define MOST_LOOKS 2000
#define RELEASED_AFTER_MS 3

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

static void let_go_soon(void)
{
	pause_ms(RELEASED_AFTER_MS);
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

/* The child's side: what the rules forbid, and what the hazard is. */
static void call_in_child(void)
{
	bool alone = getpid() != trial_shared()->count[0] && trial_shared()->count[1];

	if (alone)
		trial_at_risk(getpid());
	(tried->in_child ? tried->in_child : tried->call)();
	if (alone)
		trial_at_risk(0);
}

void held_lock_trial(struct trial *trial, const struct lock *lock)
{
	struct sigaction action = {.sa_handler = stop_here, .sa_flags = SA_RESTART};
	bool before = mitigated_by(trial, "call_before");
	struct command probe = trial_probe(trial);
	struct launch launch;

	tried = lock;
	trial_shared()->count[0] = getpid();
	trial_shared()->count[1] = trial->strategy->memory == MEMORY_COPIED;
	trial_prepare(trial, &probe, 1, before ? NULL : call_in_child);
	if (before)
		(lock->in_child ? lock->in_child : lock->call)();
	check(pipe(lets_go) == 0 ? 0 : errno, "pipe");
	sigaction(SIGUSR1, &action, NULL);
	start(&prober, lock->probe ? lock->probe : lock->call);
	start(&forker, fork_once);
	start(&releaser, let_go_soon);
	check(pthread_create(&holder, NULL, hold, NULL), "pthread_create");
	catch_held(!is_mended(lock->owner) && !trial->mitigation);
	order(&releaser);
	if (!trial_run(trial, &launch, 0))
		trial_failed("the launch failed at %s: %s", stage_name(launch.stage), strerror(launch.error));
	trial_missed();
}

struct oracle held_lock_oracle(const struct strategy *strategy, const char *mitigation, enum lock_owner owner)
{
	bool child_calls = (strategy->traits & RUNS_CHILD_SIDE) && !mitigation;

	/* Not suspended, its caller is in the C library at the same moment as it, and on the same errno. */
	if (child_calls && strategy->memory == MEMORY_SHARED && !(strategy->claims & SUSPENDS))
		return (struct oracle){NOT_TRIED, "the child runs beside its caller on one thread's own memory: no call of "
						  "the C library is possible in it at all"};
	if (mitigation && !(strategy->traits & RUNS_CHILD_SIDE))
		return (struct oracle){NEVER_POSSIBLE, "no code of the caller's runs between the launch and the exec"};
	/* A child in its caller's memory waits for a thread that is alive, and gets the lock from it. */
	if (child_calls && strategy->memory == MEMORY_COPIED && !is_mended(owner))
		return (struct oracle){ALWAYS, NULL};
	return (struct oracle){NEVER, NULL};
}
