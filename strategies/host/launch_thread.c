/*
 * A thread of the worker that launches on behalf of the main one and waits for the command, so that only it stands still.
 *
 *      main thread              launching thread
 *      launch: post  -------->  fork or vfork, exec, waitpid
 *      reap: wait    <--------  post
 */
#include "launch_thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

static pthread_t thread;
static sem_t wanted, over;
/* The thread's own: who asked looks at his launch meanwhile, and must see nothing of it before he waits. */
static struct launch in_hand;
static volatile bool finished;
static void (*start)(struct launch *);

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0 && errno == EINTR)
		;
}

static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		wait_for(&wanted);
		if (finished)
			return NULL;
		host_before_launch(); /* a signal mask is the thread's */
		start(&in_hand);
		host_after_launch();
		if (in_hand.stage == STAGE_NONE)
			host_wait(&in_hand);
		sem_post(&over);
	}
}

const char *launch_thread_start(void (*launch)(struct launch *))
{
	start = launch;
	if (sem_init(&wanted, 0, 0) != 0 || sem_init(&over, 0, 0) != 0)
		return "sem_init";
	errno = pthread_create(&thread, NULL, serve, NULL);
	return errno == 0 ? NULL : "pthread_create";
}

void launch_thread_launch(struct launch *launch)
{
	in_hand = *launch;
	sem_post(&wanted);
}

bool launch_thread_settled(void)
{
	int ended = 0;

	return sem_getvalue(&over, &ended) == 0 && ended > 0;
}

void launch_thread_reap(struct launch *launch)
{
	wait_for(&over);
	*launch = in_hand;
}

void launch_thread_finish(void)
{
	finished = true;
	sem_post(&wanted);
	pthread_join(thread, NULL);
}
