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
#include <sys/wait.h>

static pthread_t thread;
static sem_t wanted, over;
static struct launch *volatile in_hand;
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
		struct launch *launch = in_hand;

		if (!launch)
			return NULL;
		start(launch);
		if (launch->stage == STAGE_NONE) {
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
	in_hand = launch;
	sem_post(&wanted);
}

void launch_thread_reap(struct launch *launch)
{
	(void)launch;
	wait_for(&over);
}

void launch_thread_finish(void)
{
	in_hand = NULL;
	sem_post(&wanted);
	pthread_join(thread, NULL);
}
