/*
 * clone3() as vfork() is: on the caller's stack, in the caller's memory, the caller suspended. libc has no such call.
 *
 * always_inline, and for the same reason as with vfork(): the child runs first on this very frame, and a function that it
 * had returned from would be gone when the parent returns from it a second time. The compiler does not know of the second
 * return, as it does with vfork(): in the child, call one function that does not return, and after the call use nothing in
 * the parent but the result and the function's arguments.
 */
#ifndef LAUNCHBENCH_CLONE3_H
#define LAUNCHBENCH_CLONE3_H

#include "raw_call.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>

#ifndef SYS_clone3
#define SYS_clone3 435 /* the same on every architecture, since Linux 5.3 */
#endif

/* include/uapi/linux/sched.h; older headers lack the later flags. */
#define CLONE3_CLEAR_SIGHAND 0x100000000ULL /* since Linux 5.5 */
#define CLONE3_INTO_CGROUP 0x200000000ULL   /* since Linux 5.7 */

struct clone3_arguments {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* The child's pid, 0 in the child, or -errno. */
static inline __attribute__((always_inline)) long clone3_as_vfork(struct clone3_arguments *arguments)
{
	return raw_call(SYS_clone3, (long)arguments, sizeof *arguments, 0);
}

/*
 * Makes a child that ends at once: 0 when this kernel can, else errno (ENOSYS: no clone3; EINVAL: not with these flags).
 * One that only has no room for a child just now (EAGAIN, ENOMEM) can.
 */
static inline int clone3_trial(struct clone3_arguments *arguments)
{
	long pid = clone3_as_vfork(arguments);

	if (pid == 0)
		raw_call(SYS_exit, 0, 0, 0);
	if (pid > 0)
		raw_call4(SYS_wait4, pid, 0, 0x40000000 /* __WALL */, 0);
	return pid == -EAGAIN || pid == -ENOMEM || pid > 0 ? 0 : (int)-pid;
}

#endif
