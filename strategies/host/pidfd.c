/* Waiting by descriptor, for the strategies and reapers that have one. */
#include "pidfd.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_BY_PIDFD 3 /* P_PIDFD; headers before glibc 2.36 lack it */

/* waitid() tells cause and number apart where waitpid() packs them. */
static int wait_status(const siginfo_t *ended)
{
	switch (ended->si_code) {
	case CLD_EXITED:
		return (ended->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return ended->si_status | 0x80;
	default:
		return ended->si_status;
	}
}

const char *pidfd_supported(void)
{
	siginfo_t nobody;

	/* A descriptor that cannot be: EBADF from a kernel that knows how to wait by one, EINVAL from others. */
	if (waitid((idtype_t)WAIT_BY_PIDFD, (id_t)0x7fffffff, &nobody, WEXITED | WNOHANG) < 0 && errno == EINVAL)
		return "the kernel cannot wait by pidfd (Linux 5.4)";
	return NULL;
}

int pidfd_wait(int pidfd, int *status)
{
	siginfo_t ended = {0};
	int result, error;

	do
		result = waitid((idtype_t)WAIT_BY_PIDFD, (id_t)pidfd, &ended, WEXITED);
	while (result < 0 && errno == EINTR);
	error = result < 0 ? errno : 0;
	close(pidfd);
	if (error == 0)
		*status = wait_status(&ended);
	return error;
}

void pidfd_reap(struct launch *launch, int pidfd)
{
	int status;
	int error = pidfd_wait(pidfd, &status);

	if (error != 0)
		host_status_lost(launch, error);
	else
		host_reaped(launch, status);
}
