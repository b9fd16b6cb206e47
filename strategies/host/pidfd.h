/* Waiting by descriptor (pidfd_open(2), waitid(2)). */
#ifndef LAUNCHBENCH_PIDFD_H
#define LAUNCHBENCH_PIDFD_H

#include "host.h"

/* NULL, or why this kernel cannot wait by descriptor. */
const char *pidfd_supported(void);

/* Waits for the process behind a pidfd, closes it, and fills in the launch. */
int pidfd_wait(int pidfd, int *status); /* closes it; 0, or an errno */
void pidfd_reap(struct launch *launch, int pidfd);

#endif
