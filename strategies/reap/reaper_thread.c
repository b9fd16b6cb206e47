/*
 * A thread that does nothing but wait for any child, and tells who asks.
 *
 *      launching thread          reaper thread
 *      launched: post  ------->  waitpid(-1) until there is no child any more
 *      reap: wait  <-----------  put, post
 */
#include "../host/statuses.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

static pthread_t thread;
static sem_t work, news;
static atomic_bool finished;

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0 && errno == EINTR)
		;
}

static void *serve(void *unused)
{
	int status;
	pid_t pid;

	(void)unused;
	for (;;) {
		wait_for(&work);
		if (atomic_load(&finished))
			return NULL;
		while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
			if (pid > 0) {
				statuses_put(pid, status);
				sem_post(&news);
			}
	}
}

static const char *prepare(const struct session *session)
{
	sigset_t all, usual;

	(void)session;
	if (sem_init(&work, 0, 0) != 0 || sem_init(&news, 0, 0) != 0)
		return "sem_init";
	/* Signals are the launching thread's: one that this thread took would interrupt nobody. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &usual);
	errno = pthread_create(&thread, NULL, serve, NULL);
	pthread_sigmask(SIG_SETMASK, &usual, NULL);
	return errno == 0 ? NULL : "pthread_create";
}

static void launched(struct launch *launch)
{
	(void)launch;
	sem_post(&work);
}

static void reap(struct launch *launch)
{
	while (!statuses_take(launch))
		wait_for(&news);
}

static void finish(void)
{
	atomic_store(&finished, true);
	sem_post(&work);
	pthread_join(thread, NULL);
}

LAUNCHBENCH_REAPER(
	.name = "reaper_thread",
	.summary = "a thread that waits for any child and passes the statuses on",
	.prepare = prepare,
	.launched = launched,
	.reap = reap,
	.finish = finish,
);
