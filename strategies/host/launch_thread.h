/* A thread that launches and waits on behalf of the main one (launch_thread.c). */
#ifndef LAUNCHBENCH_LAUNCH_THREAD_H
#define LAUNCHBENCH_LAUNCH_THREAD_H

#include "host.h"

/* `launch` runs in the thread and makes a child. NULL, or what failed. */
const char *launch_thread_start(void (*launch)(struct launch *));
void launch_thread_launch(struct launch *launch);
bool launch_thread_settled(void);
void launch_thread_reap(struct launch *launch);
void launch_thread_finish(void);

#endif
