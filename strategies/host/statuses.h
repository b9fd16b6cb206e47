/* Exit statuses that somebody collected for somebody who will ask: signal handlers and threads put, reap() takes. */
#ifndef LAUNCHBENCH_STATUSES_H
#define LAUNCHBENCH_STATUSES_H

#include "host.h"

#define MOST_STATUSES 8192 /* launches in flight */

void statuses_put(pid_t pid, int status); /* async-signal-safe, from any thread */
bool statuses_take(struct launch *launch); /* true: it was there, and the launch has it */
int statuses_collect(void);                /* waitpid(-1, WNOHANG) until nothing is left to collect; how many there were */

/* The reapers that act on SIGCHLD: installs the handler; waits until it has brought this launch's status. */
const char *sigchld_start(void (*handler)(int));
void sigchld_reap(struct launch *launch);

#endif
